import type { Clock } from '@tradesense/platform';

import type { DatabaseClock, Session } from '../database/index.js';
import type { Wake } from '../wake/index.js';
import { afterLook, afterRead, floorOf, startAt, type Progress } from './progress.js';
import { readHolders, readRows, rowsOf, type HolderRow, type ReadRow, type Row } from './statements.js';

/** What one pass found, to be published in this order, and what is true once Kafka has it. */
export interface Batch {
  /** Ascending by position. */
  readonly rows: readonly Row[];
  /** The last position read: below it, everything was found but what holes hide. */
  readonly position: bigint;
  /** Everything up to here is in Kafka or will never be, once these rows are acknowledged. */
  readonly floor: bigint;
  /** Everything committed before this time of the database is in Kafka, once these rows are acknowledged (design 6.5). */
  readonly asOf: string;
}

export interface ReadingMetrics {
  /** Rows that came late into a hole, positions given up, holes left open. */
  passed(pass: { readonly late: number; readonly givenUp: bigint; readonly holes: number }): void;
}

export interface ReaderOptions {
  readonly session: Pick<Session, 'query'>;
  readonly wake: Wake;
  readonly clock: Clock;
  readonly databaseClock: DatabaseClock;
  readonly metrics: ReadingMetrics;
  readonly floor: bigint;
  readonly signal: AbortSignal;
}

/** Of one statement: as many as fitted last time and a few more, so that hardly any are read in vain. */
const ROWS = { min: 16, max: 1_000 };
const MAX_BYTES = 512 * 1024;
/** Headers and key, about. */
const ROW_OVERHEAD_BYTES = 512;
const BUSY_MS = 5;
const IDLE_MS = 500;
/** Between two looks at the holders while holes are open: the query shares the lock manager with every writer. */
const LOOK_MS = { min: 20, max: 200 };
const GROWTH = 1.5;

/**
 * Reads the outbox in passes and stays one batch ahead of whoever publishes: while a batch is sent the next one is read. The
 * rules are in progress.ts; here are the statements in their order, the cut, and the pauses between passes.
 */
export class Reader {
  #progress: Progress;
  #ahead: Promise<Batch> | undefined;
  /** Ends reading ahead: the reader's own end, or a rewind. */
  #ended: AbortController;
  #isAwaited = false;
  #pauseMs = 0;
  #idleMs = BUSY_MS;
  #lookMs = LOOK_MS.min;
  #lookedAtMs = 0;
  #passedAtMs: number;
  #limit = ROWS.max;
  #isCaughtUp = false;
  #isBehind = false;

  constructor(private readonly options: ReaderOptions) {
    this.#progress = startAt(options.floor);
    this.#ended = this.#untilEnd();
    this.#passedAtMs = options.clock.monotonicMs();
  }

  /** Our monotonic clock at the end of the last pass: an idle reader passes on, one that is stuck does not. */
  get passedAtMs(): number {
    return this.#passedAtMs;
  }

  /** The last pass found no row and left no hole. */
  get isCaughtUp(): boolean {
    return this.#isCaughtUp;
  }

  /** The last pass had to leave rows for the next one. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Rows, as soon as there are some; without rows, at the latest after an idle pause, what else became true. */
  async next(): Promise<Batch> {
    this.#isAwaited = true;
    const batch = await (this.#ahead ?? this.#find());
    this.#isAwaited = false;
    this.#ahead = this.#find();
    this.#ahead.catch(() => undefined); // told to whoever asks next
    return batch;
  }

  /** Begins again behind this floor: what was read ahead, and every hole, is forgotten. */
  async rewind(floor: bigint): Promise<void> {
    this.#ended.abort();
    await this.#ahead?.catch(() => undefined);
    this.#ahead = undefined;
    this.#ended = this.#untilEnd();
    this.#progress = startAt(floor);
    this.#pauseMs = 0;
  }

  #untilEnd(): AbortController {
    const { signal } = this.options;
    const ended = new AbortController();
    if (signal.aborted) ended.abort(signal.reason);
    else signal.addEventListener('abort', () => ended.abort(signal.reason), { once: true, signal: ended.signal });
    return ended;
  }

  async #find(): Promise<Batch> {
    const { signal } = this.#ended;
    for (;;) {
      await this.options.wake.orAfter(this.#pauseMs, signal);
      signal.throwIfAborted();
      const batch = await this.#pass();
      if (batch.rows.length > 0 || this.#isAwaited) return batch;
    }
  }

  /** Rows, then the holders of the sequence's lock if there is a hole (R1); the rows again in the next pass. */
  async #pass(): Promise<Batch> {
    const { rows, wasCut, at } = await this.#read();
    const read = afterRead(this.#progress, { positions: rows.map(({ position }) => position), wasCut, at });
    this.#progress = read.progress;
    if (this.#isLookDue()) await this.#look();
    this.#passedAtMs = this.options.clock.monotonicMs();
    this.#isBehind = wasCut;
    this.#isCaughtUp = rows.length === 0 && this.#progress.holes.length === 0;
    this.options.metrics.passed({ ...read, holes: this.#progress.holes.length });
    this.#pauseMs = this.#pauseAfter({ foundRows: rows.length > 0, wasCut });
    const { position } = this.#progress;
    return { rows, position, floor: floorOf(this.#progress), asOf: this.#asOf({ rows, wasCut, at }) };
  }

  async #read(): Promise<{ rows: readonly Row[]; wasCut: boolean; at: string }> {
    const { session, clock, databaseClock } = this.options;
    const { position, holes } = this.#progress;
    const limit = this.#limit;
    const sentAtMs = clock.monotonicMs();
    const answer = await session.query<ReadRow>(readRows({ above: position, holes, limit }));
    const at = answer[0]!.read_at!; // the first one carries the time
    databaseClock.observe(at, sentAtMs);
    const found = rowsOf(answer);
    const rows = found.slice(0, fitting(found));
    const isCut = rows.length < found.length;
    this.#limit = isCut ? Math.max(ROWS.min, Math.ceil(rows.length * 1.1)) : Math.min(ROWS.max, limit * 2);
    return { rows, wasCut: isCut || found.length >= limit, at };
  }

  #isLookDue(): boolean {
    const { holes } = this.#progress;
    if (holes.some(({ is }) => is === 'new')) {
      this.#lookMs = LOOK_MS.min;
      return true;
    }
    const isDue = this.options.clock.monotonicMs() - this.#lookedAtMs >= this.#lookMs;
    return isDue && holes.some(({ is }) => is === 'open');
  }

  async #look(): Promise<void> {
    const holders = await this.options.session.query<HolderRow>(readHolders);
    this.#progress = afterLook(this.#progress, new Set(holders.map(({ holder }) => holder)));
    this.#lookedAtMs = this.options.clock.monotonicMs();
    this.#lookMs = Math.min(LOOK_MS.max, this.#lookMs * GROWTH);
  }

  #pauseAfter({ foundRows, wasCut }: { readonly foundRows: boolean; readonly wasCut: boolean }): number {
    const { holes } = this.#progress;
    this.#idleMs = foundRows ? BUSY_MS : Math.min(IDLE_MS, this.#idleMs * GROWTH);
    if (wasCut || holes.some(({ is }) => is === 'ended')) return 0;
    return holes.length > 0 ? Math.min(this.#lookMs, this.#idleMs) : this.#idleMs;
  }

  #asOf({ rows, wasCut, at }: { rows: readonly Row[]; wasCut: boolean; at: string }): string {
    const seen = wasCut ? (rows.at(-1)?.created_at ?? at) : at;
    // Texts of one width: their order is that of the times.
    return this.#progress.holes.reduce((oldest, { seenAt }) => (seenAt < oldest ? seenAt : oldest), seen);
  }
}

/** How many of these rows one batch takes: at least one. */
export function fitting(rows: readonly Row[]): number {
  const most = Math.min(rows.length, ROWS.max);
  let bytes = 0;
  for (let index = 0; index < most; index += 1) {
    bytes += Buffer.byteLength(rows[index]!.payload) + ROW_OVERHEAD_BYTES;
    if (bytes > MAX_BYTES && index > 0) return index;
  }
  return most;
}
