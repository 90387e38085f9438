import type { Cursor } from '@tradesense/contracts';

import { conflatedFrame, storedAtMs, type Frame } from '../frame/index.js';

export interface RingLimits {
  readonly frames: number;
  readonly bytes: number;
}
export const RING_LIMITS: RingLimits = { frames: 256, bytes: 160 * 1024 };

/** What all rings together hold: frames, and what each of them costs beside its bytes. */
export class RingBudget {
  bytes = 0;
}

/** Of a frame beside its bytes: two objects and its place in the array, rounded up (`npm run bench -- warm`). */
const FRAME_COST = 320;
/** What of a budget a frame takes. */
export const costOf = ({ wire }: Frame): number => wire.length + FRAME_COST;

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
  readonly #frames: Frame[] = [];
  #bytes = 0;
  #base: number;
  #head: number;

  /** @param start where it begins: the sequence before its first frame */
  constructor(
    readonly start: Cursor,
    private readonly budget: RingBudget,
    private readonly limits: RingLimits = RING_LIMITS,
  ) {
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
  get bytes(): number {
    return this.#bytes;
  }

  at(index: number): Frame | undefined {
    return this.#frames[index];
  }

  /**
   * @param frame the one after head, as the gate found
   * @returns how many others went for it
   */
  push(frame: Frame): number {
    const before = this.#frames.push(frame);
    this.#head = frame.sequence;
    this.#count(frame.wire.length, 1);
    if (this.#frames.length > this.limits.frames || this.#bytes > this.limits.bytes) this.#thin();
    return before - this.#frames.length;
  }

  /** Index of the first frame beyond `sequence`; `length` where there is none. Nearly always it is the last frame. */
  indexAfter(sequence: number): number {
    const { length } = this.#frames;
    if (sequence >= this.#head) return length;
    let low = 0;
    let high = length - 1;
    if ((this.#frames[high]?.prev ?? 0) <= sequence) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#frames[middle]?.sequence ?? 0) > sequence) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Drops what Kafka had before then. */
  dropOlder(thanMs: number): void {
    const kept = this.#frames.findIndex((frame) => storedAtMs(frame) >= thanMs);
    this.#dropOldest(kept === -1 ? this.#frames.length : kept);
  }

  /** Its bytes are given back; it is not used again. */
  clear(): void {
    this.#dropOldest(this.#frames.length);
  }

  #thin(): void {
    this.#conflate(Math.floor(this.#frames.length * (1 - FRESH)));
    const { frames, bytes } = this.limits;
    let count = 0;
    let freed = 0;
    while (this.#frames.length - count > frames * FULL || this.#bytes - freed > bytes * FULL) {
      freed += this.#frames[count]?.wire.length ?? 0;
      count += 1;
    }
    this.#dropOldest(count);
  }

  /** Of each run of equity updates among the `count` oldest frames the last one stays. */
  #conflate(count: number): void {
    const kept: Frame[] = [];
    let bytes = 0;
    for (let from = 0; from < count;) {
      const first = this.#frames[from] as Frame;
      let to = from;
      while (to + 1 < count && isEquity(this.#frames[to]) && isEquity(this.#frames[to + 1])) to += 1;
      const last = this.#frames[to] as Frame;
      const frame = from === to ? last : conflatedFrame(last, first.prev);
      kept.push(frame);
      bytes += frame.wire.length;
      from = to + 1;
    }
    const before = this.#frames.splice(0, count, ...kept).reduce((sum, frame) => sum + frame.wire.length, 0);
    this.#count(bytes - before, kept.length - count);
  }

  #dropOldest(count: number): void {
    if (count === 0) return;
    const dropped = this.#frames.splice(0, count);
    this.#base = this.#frames[0]?.prev ?? this.#head;
    this.#count(-dropped.reduce((sum, frame) => sum + frame.wire.length, 0), -count);
  }

  #count(bytes: number, frames: number): void {
    this.#bytes += bytes;
    this.budget.bytes += bytes + frames * FRAME_COST;
  }
}

export const isEquity = (frame: Frame | undefined): boolean => frame?.name === 'equity_updated';
