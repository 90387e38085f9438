import { Fault } from '@tradesense/platform';
import type { IncomingRecord, Loss, ReaderHandlers, StartAt } from '../port.js';
import { batchesOf } from '../protocol/record-batch.js';

const PIECE = 64;

/** After so many records, of whichever partitions, sockets and timers get their turn. */
export class Turns {
  #handed = 0;

  after(records: number): Promise<void> | undefined {
    this.#handed += records;
    if (this.#handed < PIECE) return undefined;
    this.#handed = 0;
    return new Promise((resolve) => setImmediate(resolve));
  }
}

/**
 * Where one partition stands, and how its records leave. `position`, the next offset to be read, moves only here, after the
 * records before it were handed over:
 *
 *   R1  position = one more than the last offset of the last batch taken, whether that batch held records or not
 *   R2  records are handed over by one loop at a time (`inHand`), and only if the partition still is where the fetch began
 *   R3  what is skipped was reported as lost first
 */
export class Place {
  position: bigint | undefined;
  leader: number | undefined;
  inHand = false;
  /** Monotonic; undefined before the first answer. */
  answeredAtMs: number | undefined;
  /** In a row; after each it is left alone until `notBeforeMs`. */
  failures = 0;
  notBeforeMs = 0;

  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly from: StartAt,
    private readonly handlers: ReaderHandlers,
    private readonly stopped: AbortSignal,
    private readonly turns: Turns,
  ) {
    if (typeof from !== 'object') return;
    if ('offset' in from) this.position = from.offset;
    if ('offsets' in from) this.position = from.offsets.get(partition) ?? 0n;
  }

  get name(): string {
    return `${this.topic}[${this.partition}]`;
  }

  answered(nowMs: number): void {
    this.failures = 0;
    this.answeredAtMs = nowMs;
  }

  /** @throws Fault `handler-failed`; another error where the bytes make no sense */
  async handOver(set: Buffer): Promise<void> {
    const start = this.position ?? 0n;
    let next = start;
    let piece: IncomingRecord[] = [];
    for (const batch of batchesOf(set)) {
      if (batch.next <= next) continue; // a broker answers with the whole batch that holds the position
      if (batch.is === 'unreadable') {
        const flushed = this.#flush(piece, next);
        if (flushed !== undefined) await flushed;
        piece = [];
        if (this.stopped.aborted) return;
        this.#lose({ from: next, to: batch.next, why: 'unreadable', detail: batch.why });
      } else {
        for (const record of batch.records) {
          const { offset, timestampMs, key, value, headers } = record;
          if (offset < next) continue;
          // By name: a spread takes twenty times as long, and this is done for every record.
          piece.push({ topic: this.topic, partition: this.partition, offset, timestampMs, key, value, headers });
          if (piece.length < PIECE) continue;
          const flushed = this.#flush(piece, offset + 1n);
          if (flushed !== undefined) await flushed;
          piece = [];
          if (this.stopped.aborted) return;
        }
      }
      next = batch.next; // R1
    }
    if (set.length > 0 && next === start) throw new Error(`no whole batch in ${set.length} bytes`);
    return this.#flush(piece, next);
  }

  #flush(piece: readonly IncomingRecord[], to: bigint): Promise<void> | undefined {
    const handled = piece.length === 0 ? undefined : this.#hand(piece);
    if (handled !== undefined) return handled.then(() => this.#moveTo(to));
    this.#moveTo(to);
    return undefined;
  }

  /** Back into the log, which reaches from `low` to before `high`: to its start or its end, whichever was passed. */
  returnBetween(low: bigint, high: bigint): void {
    const { position = 0n } = this;
    if (position < low) {
      this.#lose({ from: position, to: low, why: 'retention' });
      this.#moveTo(low);
    } else if (position > high) {
      this.#lose({ from: high, to: position, why: 'truncation' });
      this.#moveTo(high);
    }
  }

  /** Nothing, where nothing is to be waited for: of a few records a promise costs as much as one. */
  #hand(piece: readonly IncomingRecord[]): Promise<void> | undefined {
    const failed = (error: unknown): Fault =>
      this.#handlerFailed(error, `offsets ${piece[0]?.offset} to ${piece.at(-1)?.offset}`);
    let handled: void | Promise<void>;
    try {
      handled = this.handlers.records(piece);
    } catch (error) {
      throw failed(error);
    }
    if (handled === undefined) return this.turns.after(piece.length);
    // Where a handler returns nothing, TypeScript lets it return anything.
    return Promise.resolve(handled).then(
      () => this.turns.after(piece.length),
      (error: unknown) => {
        throw failed(error);
      },
    );
  }

  #lose(loss: Omit<Loss, 'topic' | 'partition'>): void {
    this.#tell(() => this.handlers.lost({ topic: this.topic, partition: this.partition, ...loss }));
  }

  #moveTo(next: bigint): void {
    if (this.stopped.aborted || this.position === next) return;
    this.position = next;
    this.#tell(() => this.handlers.position(this.topic, this.partition, next));
  }

  #tell(handler: () => void): void {
    try {
      handler();
    } catch (error) {
      throw this.#handlerFailed(error, `position ${this.position}`);
    }
  }

  #handlerFailed(cause: unknown, where: string): Fault {
    const what = cause instanceof Error ? cause.message : String(cause);
    return new Fault('handler-failed', 'stop', `${this.name}, ${where}: ${what}`, { cause });
  }
}
