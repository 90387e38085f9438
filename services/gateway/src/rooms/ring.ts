import type { Cursor } from '@tradesense/contracts';

import { conflatedFrame, type Frame } from '../frame/index.js';
import { NONE } from './arena.js';
import type { FrameStore } from './frame-store.js';

export interface RingLimits {
  readonly frames: number;
  readonly bytes: number;
}
export const RING_LIMITS: RingLimits = { frames: 256, bytes: 160 * 1024 };

/** After thinning a ring is this full, so that it is not thinned at every frame. */
const FULL = 3 / 4;
/** The newest part of a ring is never conflated: a client that was away for a moment gets every frame. */
const FRESH = 1 / 4;

/**
 * The last frames of a room, shared by all its members: (base, head] of one epoch.
 *
 *   R1 the first frame's prev is base, each other's is the sequence of the one before it
 *   R2 the last frame's sequence is head; without frames base is head
 *   R3 base and head only grow
 *
 * So whoever has base or anything after it can continue. A ring that is full gives up equity updates that a later one
 * supersedes with nothing else between them; the later one then bridges them (R1). Only if that is not enough the oldest go.
 */
export class Ring {
  readonly #number: number;
  /** Where its first frame lies, and its last, and the last cell of that. */
  #oldest = NONE;
  #newest = NONE;
  #end = NONE;
  /** Of the last one that was asked for by somebody late, who nearly always asks for the one behind it next. */
  #asked = NONE;
  #length = 0;
  #bytes = 0;
  #base: number;
  #head: number;

  /** @param start where it begins: the sequence before its first frame */
  constructor(
    readonly start: Cursor,
    private readonly store: FrameStore,
    private readonly limits: RingLimits = RING_LIMITS,
  ) {
    this.#number = store.open();
    this.#base = start.sequence;
    this.#head = start.sequence;
  }

  get epoch(): number {
    return this.start.epoch;
  }
  get base(): number {
    return this.#base;
  }
  get head(): number {
    return this.#head;
  }
  get length(): number {
    return this.#length;
  }
  /** Of what sockets are sent; in the store it is more. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * @param frame the one after head, as the gate found
   * @returns how many others went for it
   */
  push(frame: Frame): number {
    this.#newest = this.store.push(frame, this.#number, this.#newest, this.#end);
    this.#end = this.store.end;
    if (this.#oldest === NONE) this.#oldest = this.#newest;
    this.#head = frame.sequence;
    this.#bytes += frame.wire.length;
    const before = (this.#length += 1);
    if (this.#length > this.limits.frames || this.#bytes > this.limits.bytes) this.#thin();
    return before - this.#length;
  }

  /**
   * The first frame beyond `sequence`, and that it stands in for no others. Or, of a run of equity updates that begins with it, the
   * last one, if that is all that is wanted, and how many are collapsed into it.
   */
  beyond(sequence: number, conflates = false): { readonly frame: Frame; readonly collapsed: number } | undefined {
    if (this.#length === 0 || sequence >= this.#head) return undefined;
    let place = this.#placeBeyond(sequence);
    let collapsed = 0;
    for (; conflates && this.#isSuperseded(place); place = this.store.behind(place)) collapsed += 1;
    if (place !== this.#newest) this.#asked = place;
    return { frame: this.store.at(place, this.#number, this.epoch), collapsed };
  }

  /** The sequence that its last `count` frames follow, or all of them if it has fewer. */
  before(count: number): number {
    if (this.#length <= count) return this.#base;
    let place = this.#newest;
    for (let index = 1; index < count; index += 1) place = this.store.before(place);
    return this.store.prevOf(place);
  }

  /** Tells of each frame, the oldest first, when Kafka had it and how much the store has back once it goes. */
  costs(tell: (storedAtMs: number, bytes: number) => void): void {
    for (let place = this.#oldest; place !== NONE;) {
      const behind = this.#behind(place);
      tell(this.store.storedAtMs(place), this.store.costOf(place, behind));
      place = behind;
    }
  }

  /** Drops what Kafka had before then. */
  dropOlder(thanMs: number): void {
    while (this.#length > 0 && this.store.storedAtMs(this.#oldest) < thanMs) this.#dropOldest();
  }

  /** Its bytes are given back; it is not used again. */
  clear(): void {
    while (this.#length > 0) this.#dropOldest();
  }

  /** From the last one back, which nearly always is the one. */
  #placeBeyond(sequence: number): number {
    if (this.#asked !== NONE && this.store.sequenceOf(this.#asked) === sequence) return this.store.behind(this.#asked);
    let place = this.#newest;
    while (place !== this.#oldest && this.store.prevOf(place) > sequence) place = this.store.before(place);
    return place;
  }

  #thin(): void {
    this.#conflate(Math.floor(this.#length * (1 - FRESH)));
    const { frames, bytes } = this.limits;
    while (this.#length > frames * FULL || this.#bytes > bytes * FULL) this.#dropOldest();
  }

  /** Of each run of equity updates among the `count` oldest frames the last one stays. Those that stay are put anew. */
  #conflate(count: number): void {
    const kept: Frame[] = [];
    let place = this.#oldest;
    let prev = this.#base;
    let bytes = 0;
    for (let index = 1; index <= count; index += 1) {
      bytes += this.store.bytesOf(place);
      if (index === count || !this.#isSuperseded(place)) {
        const frame = this.store.at(place, this.#number, this.epoch);
        kept.push(frame.prev === prev ? frame : conflatedFrame(frame, prev));
        prev = frame.sequence;
      }
      place = this.store.behind(place);
    }
    if (kept.length === count) return;
    this.store.drop(this.#oldest, place);
    this.#asked = NONE;
    let last = NONE;
    let end = NONE;
    for (const frame of kept) {
      last = this.store.put(frame, this.#number, last, end);
      end = this.store.end;
      if (frame === kept[0]) this.#oldest = last;
      bytes -= frame.wire.length;
    }
    this.store.join(last, end, place);
    this.#length -= count - kept.length;
    this.#bytes -= bytes;
  }

  #dropOldest(): void {
    const behind = this.#behind(this.#oldest);
    if (this.#asked === this.#oldest) this.#asked = NONE;
    this.#length -= 1;
    this.#bytes -= this.store.bytesOf(this.#oldest);
    this.store.drop(this.#oldest, behind);
    this.#oldest = behind;
    if (behind === NONE) this.#newest = this.#end = NONE;
    this.#base = behind === NONE ? this.#head : this.store.prevOf(behind);
  }

  /** The place of the frame behind, if there is one. */
  #behind(place: number): number {
    return place === this.#newest ? NONE : this.store.behind(place);
  }

  /** It is an equity update, and so is the one behind it. */
  #isSuperseded(place: number): boolean {
    const behind = this.#behind(place);
    return behind !== NONE && this.store.isEquity(place) && this.store.isEquity(behind);
  }
}
