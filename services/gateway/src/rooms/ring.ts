import type { Cursor } from '@tradesense/contracts';

import { conflatedFrame, type Frame } from '../frame/index.js';
import { PackedFrames } from './packed-frames.js';

export interface RingLimits {
  readonly frames: number;
  readonly bytes: number;
}
export const RING_LIMITS: RingLimits = { frames: 256, bytes: 160 * 1024 };

const RECENT = 256;

/**
 * The last frames of whatever rings, as they came: nearly all that members are sent, some milliseconds later. Not one a ring: what
 * lives for as long as two collections is moved to the old generation.
 */
class Recent {
  readonly #frames: Frame[] = [];
  readonly #rings: Ring[] = [];
  #next = 0;

  /** @returns where it is, until others took its place */
  put(ring: Ring, frame: Frame): number {
    const slot = this.#next;
    this.#frames[slot] = frame;
    this.#rings[slot] = ring;
    this.#next = (slot + 1) % RECENT;
    return slot;
  }

  get(ring: Ring, slot: number): Frame | undefined {
    return this.#rings[slot] === ring ? this.#frames[slot] : undefined;
  }
}

/** What all rings together take of memory. */
export class RingBudget {
  bytes = 0;
  readonly recent = new Recent();
}

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
  readonly #frames: PackedFrames;
  /** Where among the recent ones the last one was put. */
  #slot = -1;
  #base: number;
  #head: number;

  /** @param start where it begins: the sequence before its first frame */
  constructor(
    readonly start: Cursor,
    private readonly budget: RingBudget,
    private readonly limits: RingLimits = RING_LIMITS,
  ) {
    this.#frames = new PackedFrames(start.epoch);
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
    return this.#frames.length;
  }
  /** Of all frames as they are sent. */
  get bytes(): number {
    return this.#frames.wireBytes;
  }

  at(index: number): Frame | undefined {
    const recent = index === this.length - 1 ? this.budget.recent.get(this, this.#slot) : undefined;
    // The same ring may have come round to the same place.
    return recent?.sequence === this.#head ? recent : this.#frames.at(index);
  }
  isEquityAt(index: number): boolean {
    return this.#frames.isEquityAt(index);
  }

  /**
   * @param frame the one after head, as the gate found
   * @returns how many others went for it
   */
  push(frame: Frame): number {
    const { cost, length } = this.#frames;
    this.#frames.push(frame);
    this.#head = frame.sequence;
    if (this.length > this.limits.frames || this.bytes > this.limits.bytes) this.#thin();
    this.#slot = this.budget.recent.put(this, frame);
    this.#countFrom(cost);
    return length + 1 - this.length;
  }

  /** Index of the first frame beyond `sequence`; `length` where there is none. Nearly always it is the last frame. */
  indexAfter(sequence: number): number {
    const frames = this.#frames;
    const { length } = frames;
    if (length === 0 || sequence >= this.#head) return length;
    let low = 0;
    let high = length - 1;
    if (frames.prevAt(high) <= sequence) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (frames.sequenceAt(middle) > sequence) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Drops what Kafka had before then. */
  dropOlder(storedAtMs: number): void {
    let count = 0;
    while (count < this.length && this.#frames.storedAtMsAt(count) < storedAtMs) count += 1;
    if (count === 0) return;
    const { cost } = this.#frames;
    this.#dropOldest(count);
    if (this.#frames.isSparse) this.#frames.fit();
    this.#countFrom(cost);
  }

  /** Gives back memory that is kept for frames to come. */
  fit(): void {
    const { cost } = this.#frames;
    this.#frames.fit();
    this.#countFrom(cost);
  }

  /** Tells of each frame when Kafka had it, and what it takes of the budget. */
  eachCost(tell: (storedAtMs: number, bytes: number) => void): void {
    for (let index = 0; index < this.length; index += 1)
      tell(this.#frames.storedAtMsAt(index), this.#frames.costAt(index));
  }

  /** Its memory is given back; it is not used again. */
  clear(): void {
    const { cost } = this.#frames;
    this.#dropOldest(this.length);
    this.#countFrom(cost);
  }

  #thin(): void {
    this.#conflate(Math.floor(this.length * (1 - FRESH)));
    const { frames, bytes } = this.limits;
    let count = 0;
    let freed = 0;
    while (this.length - count > frames * FULL || this.bytes - freed > bytes * FULL) {
      freed += this.#frames.wireBytesAt(count);
      count += 1;
    }
    this.#dropOldest(count);
  }

  /** Of each run of equity updates among the `count` oldest frames the last one stays. */
  #conflate(count: number): void {
    const kept: Frame[] = [];
    for (let from = 0; from < count;) {
      let to = from;
      while (to + 1 < count && this.isEquityAt(to) && this.isEquityAt(to + 1)) to += 1;
      const last = this.#frames.at(to) as Frame;
      kept.push(from === to ? last : conflatedFrame(last, this.#frames.prevAt(from)));
      from = to + 1;
    }
    if (kept.length < count) this.#frames.replaceFirst(count, kept);
  }

  #dropOldest(count: number): void {
    if (count === 0) return;
    this.#frames.dropFirst(count);
    if (this.length > 0) this.#base = this.#frames.prevAt(0);
    else this.#base = this.#head;
  }

  #countFrom(costBefore: number): void {
    this.budget.bytes += this.#frames.cost - costBefore;
  }
}
