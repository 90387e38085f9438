import { CHALLENGE_PARTITIONS, type Watermark } from '@tradesense/contracts';
import { systemClock, type Clock, type Part } from '@tradesense/platform';

import type { Progress, Stream } from '../intake/index.js';
import { STARTING, type Standing } from '../rooms/index.js';

/** Who must know. */
export interface StandingSink {
  stand(partition: number, standing: Standing): void;
  park(challengeIds: ReadonlySet<string> | 'many'): void;
}

/** A watermark as it arrived. */
interface Mark {
  readonly asOf: string;
  readonly ends: Watermark['ends'];
  /** How old it was when it was written, by the database's clock, and when it came, by ours: two clocks, never compared. */
  readonly writtenAgeMs: number;
  readonly arrivedAtMs: number;
}

interface Partition {
  readonly next: Record<Stream, bigint>;
  /** Not passed yet, oldest first. */
  readonly ahead: Mark[];
  /** The newest that reading has passed. */
  passed: Mark | undefined;
  standing: Standing;
}

const LOOK_EVERY_MS = 250;
/** Of marks that reading has not passed so many are remembered; then the newest takes the place of the one before. */
const MARKS_AHEAD = 32;

/**
 * A watermark says: all that was committed before `as_of` lies in Kafka below these ends. A partition is live while the
 * newest watermark whose ends its reading has passed is no older than the limit (design 8.6); its age is `at - as_of`, both
 * the database's clock, plus what our own clock counted since it arrived. So a relay that stands still, a Kafka that is
 * away and a reader that lags all show, and a quiet market does not.
 */
export class FreshnessStage implements Progress, Part {
  readonly name = 'freshness';
  readonly #partitions: readonly Partition[];
  readonly #clock: Clock;
  #parked: ReadonlySet<string> | 'many' = new Set();
  #timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly sink: StandingSink,
    private readonly staleMs: number,
    clock: Clock = systemClock,
  ) {
    this.#clock = clock;
    this.#partitions = Array.from({ length: CHALLENGE_PARTITIONS }, () => ({
      next: { events: 0n, state: 0n },
      ahead: [],
      passed: undefined,
      standing: STARTING,
    }));
  }

  start(): void {
    this.#timer ??= setInterval(() => this.look(), LOOK_EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** Milliseconds that the oldest partition's knowledge lags behind; Infinity before the first watermark. */
  get ageMs(): number {
    return Math.max(...this.#partitions.map(({ passed }) => (passed === undefined ? Infinity : this.#ageOf(passed))));
  }

  passed(stream: Stream, partition: number, next: bigint): void {
    const one = this.#partitions[partition];
    if (one === undefined) return;
    one.next[stream] = next;
    if (one.ahead.length > 0) this.#advance(partition, one);
  }

  watermark({ at, as_of, parked, ends }: Watermark): void {
    const mark: Mark = {
      asOf: as_of,
      ends,
      writtenAgeMs: Math.max(0, Date.parse(at) - Date.parse(as_of)),
      arrivedAtMs: this.#clock.monotonicMs(),
    };
    this.#park(parked === 'many' ? 'many' : new Set(parked));
    for (const [partition, one] of this.#partitions.entries()) {
      if (one.ahead.length >= MARKS_AHEAD) one.ahead.pop();
      one.ahead.push(mark);
      this.#advance(partition, one);
    }
  }

  /** What time alone changes. */
  look(): void {
    for (const [partition, one] of this.#partitions.entries()) this.#judge(partition, one);
  }

  #advance(partition: number, one: Partition): void {
    const { ahead, next } = one;
    let mark = ahead[0];
    while (mark !== undefined && isPassed(mark, partition, next)) {
      one.passed = mark;
      ahead.shift();
      mark = ahead[0];
    }
    this.#judge(partition, one);
  }

  #judge(partition: number, one: Partition): void {
    const before = one.standing;
    const standing = this.#standingOf(one);
    if (standing.state === before.state && standing.reason === before.reason && standing.asOf === before.asOf) return;
    one.standing = standing;
    this.sink.stand(partition, standing);
  }

  #standingOf({ passed, ahead }: Partition): Standing {
    if (passed === undefined) return ahead.length === 0 ? STARTING : { state: 'stale', asOf: null, reason: 'behind' };
    const asOf = passed.asOf;
    if (this.#ageOf(passed) <= this.staleMs) return { state: 'live', asOf };
    // Newer marks are here and not passed: it is our reading that lags.
    return { state: 'stale', asOf, reason: ahead.length > 0 ? 'behind' : 'watermark_old' };
  }

  #ageOf({ writtenAgeMs, arrivedAtMs }: Mark): number {
    return writtenAgeMs + this.#clock.monotonicMs() - arrivedAtMs;
  }

  #park(parked: ReadonlySet<string> | 'many'): void {
    if (isSame(parked, this.#parked)) return;
    this.#parked = parked;
    this.sink.park(parked);
  }
}

const isPassed = ({ ends }: Mark, partition: number, next: Record<Stream, bigint>): boolean =>
  (['events', 'state'] as const).every((stream) => next[stream] >= BigInt(ends[stream][partition] ?? '0'));

const isSame = (a: ReadonlySet<string> | 'many', b: ReadonlySet<string> | 'many'): boolean =>
  a === b || (a !== 'many' && b !== 'many' && a.size === b.size && [...a].every((id) => b.has(id)));
