import { HEADER } from '@tradesense/contracts';
import { RecordRefused, type Ends, type Publisher, type TopicRecords } from '@tradesense/kafka';
import { faultOf, type Clock, type Logger } from '@tradesense/platform';

import type { DatabaseClock } from '../database/index.js';
import type { Row } from '../reading/index.js';
import { recordsOf, withoutSuperseded } from './records.js';
import { Waiting, type Outstanding } from './waiting.js';

export interface PublishingMetrics {
  sent(rows: readonly Row[], ages: { readonly ms: (row: Row) => number; readonly sendMs: number }): void;
  /** Rows that Kafka may have had already. */
  repeated(rows: number): void;
  notSent(code: string): void;
}

/** Decides which rows may go, and what becomes of one that Kafka refuses. */
export interface Gate {
  /** Those of these rows that may be sent now, in their order. */
  flowing(rows: readonly Row[]): readonly Row[];
  /** Resolves when the row is written down and may be passed over; rejects while nothing may pass it. */
  refused(row: Row, reason: string): Promise<void>;
  /** A row that has to go through before anything else is sent. */
  stoppedBy(): Promise<Row | undefined>;
  /** That one went through. */
  passed(): void;
}

export interface OutletOptions {
  readonly publisher: Publisher;
  readonly topicPrefix: string;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly databaseClock: DatabaseClock;
  readonly metrics: PublishingMetrics;
  readonly log: Logger;
  /** Throws when the lease is not surely ours any more; asked immediately before each send. */
  readonly mustBeTrusted: () => void;
  /** Ends an outstanding send; its outcome is unknown then. */
  readonly signal: AbortSignal;
}

/** Sends batches to Kafka, one at a time and in order; a batch with a row that Kafka refuses is sent row by row to find it. */
export class Outlet {
  readonly #batches: Waiting;
  readonly #others: Waiting;
  /** The highest position handed to Kafka, and up to where that had no clear outcome. */
  #sentTo = 0n;
  #unclearTo = 0n;

  constructor(private readonly options: OutletOptions) {
    const { clock, log, metrics } = options;
    const failed = (code: string): void => metrics.notSent(code);
    this.#batches = new Waiting(clock, log, failed);
    this.#others = new Waiting(clock, log, failed);
  }

  get outstanding(): Outstanding | undefined {
    return this.#batches.outstanding ?? this.#others.outstanding;
  }

  /**
   * Resolves when Kafka has every row that the gate lets through. Rejects with remedy `wait` when the outcome is unknown, or nothing
   * may go on: the rows are to be given again, all of them.
   */
  async publish(rows: readonly Row[]): Promise<Ends> {
    const { gate } = this.options;
    const flowing = gate.flowing(rows);
    const [oldest] = flowing;
    if (oldest === undefined) {
      this.#batches.nothing();
      return new Map();
    }
    return this.#batches.for(oldest, async () => {
      const stoppedBy = await gate.stoppedBy();
      if (stoppedBy !== undefined && (await this.#sendOrTell(stoppedBy)) !== undefined) gate.passed();
      const needed = withoutSuperseded(flowing);
      try {
        return await this.#send(needed);
      } catch (error) {
        if (faultOf(error).remedy !== 'park') throw error;
        return await this.#rowByRow(needed, error);
      }
    });
  }

  /** Rows as they are, whatever the gate says, beside the batches. Rejects as a publisher does. */
  async send(rows: readonly Row[]): Promise<Ends> {
    const [oldest] = rows;
    return oldest === undefined ? new Map() : this.#others.for(oldest, () => this.#send(rows));
  }

  /** Records that are no rows. */
  async sendRecords(records: readonly TopicRecords[]): Promise<Ends> {
    const { publisher, mustBeTrusted, signal } = this.options;
    mustBeTrusted();
    return publisher.send(records, signal);
  }

  async #send(rows: readonly Row[]): Promise<Ends> {
    const { topicPrefix, clock, databaseClock, metrics } = this.options;
    const records = recordsOf(rows, topicPrefix);
    const sentAtMs = clock.monotonicMs();
    metrics.repeated(rows.filter(({ position }) => position <= this.#unclearTo).length);
    this.#sentTo = max(this.#sentTo, rows.at(-1)?.position ?? 0n);
    try {
      const ends = await this.sendRecords(records);
      metrics.sent(rows, {
        ms: ({ created_at }) => databaseClock.ageMs(created_at),
        sendMs: clock.monotonicMs() - sentAtMs,
      });
      return ends;
    } catch (error) {
      if (faultOf(error).remedy !== 'park') this.#unclearTo = this.#sentTo;
      throw error;
    }
  }

  /** Those of the partitions that were refused: the others are stored. One may have been too large only as a whole. */
  async #rowByRow(rows: readonly Row[], error: unknown): Promise<Ends> {
    const ends: Ends[] = [];
    let left = rows;
    if (error instanceof RecordRefused) {
      const refused = new Set([...error.refused].map(({ headers }) => headers[HEADER.position]));
      left = rows.filter(({ position }) => refused.has(String(position)));
      ends.push(error.stored);
    }
    for (const row of left) {
      if (this.options.gate.flowing([row]).length === 0) continue; // parked meanwhile
      const end = await this.#sendOrTell(row);
      if (end !== undefined) ends.push(end);
    }
    return merged(ends);
  }

  /** Nothing once the gate knows of a row that is refused. */
  async #sendOrTell(row: Row): Promise<Ends | undefined> {
    try {
      return await this.#send([row]);
    } catch (error) {
      const fault = faultOf(error);
      if (fault.remedy !== 'park') throw error;
      await this.options.gate.refused(row, fault.message);
      return undefined;
    }
  }
}

/** The later end of each partition. */
export function merged(all: readonly Ends[]): Ends {
  const ends = new Map<string, Map<number, bigint>>();
  for (const one of all)
    for (const [topic, partitions] of one)
      for (const [partition, end] of partitions) {
        const known = ends.get(topic) ?? new Map<number, bigint>();
        if (end > (known.get(partition) ?? -1n)) known.set(partition, end);
        ends.set(topic, known);
      }
  return ends;
}

const max = (one: bigint, other: bigint): bigint => (one > other ? one : other);
