import type { Ends, Publisher } from '@tradesense/kafka';
import { Fault, faultOf, type Clock, type Logger } from '@tradesense/platform';

import type { DatabaseClock } from '../database/index.js';
import type { Row } from '../reading/index.js';
import { recordsOf, withoutSuperseded } from './records.js';

export interface PublishingMetrics {
  sent(rows: readonly Row[], ages: { readonly ms: (row: Row) => number; readonly sendMs: number }): void;
  notSent(code: string): void;
}

export interface OutletOptions {
  readonly publisher: Publisher;
  readonly topicPrefix: string;
  readonly clock: Clock;
  readonly databaseClock: DatabaseClock;
  readonly metrics: PublishingMetrics;
  readonly log: Logger;
  /** Throws when the lease is not surely ours any more; asked immediately before each send. */
  readonly mustBeTrusted: () => void;
  /** Ends an outstanding send; its outcome is unknown then. */
  readonly signal: AbortSignal;
}

/** A row that Kafka will never take. Nothing behind it is published, so that nothing is skipped. */
export class RowRefused extends Fault {
  constructor(
    readonly row: Pick<Row, 'position' | 'id' | 'aggregateid' | 'aggregatetype'>,
    readonly reason: string,
    cause: unknown,
  ) {
    super(
      'record-refused',
      'park',
      `Kafka refuses the outbox row at position ${row.position} (${row.aggregatetype}, id ${row.id}, challenge ${row.aggregateid}): ${reason}`,
      { cause },
    );
  }
}

/** What waits for Kafka's acknowledgement, and why it still does. */
export interface Outstanding {
  readonly sinceMs: number;
  readonly oldest: Row;
  readonly fault?: string;
}

/** Sends batches to Kafka, one at a time and in order; a batch with a row that Kafka refuses is sent row by row to find it. */
export class Outlet {
  #outstanding: Outstanding | undefined;

  constructor(private readonly options: OutletOptions) {}

  get outstanding(): Outstanding | undefined {
    return this.#outstanding;
  }

  /**
   * Resolves when Kafka has every row. Rejects with remedy `wait` when the outcome is unknown: the rows are to be sent again, all
   * of them; with `RowRefused` when one of them can never be stored.
   */
  async publish(rows: readonly Row[]): Promise<Ends> {
    const [oldest] = rows;
    if (oldest === undefined) return new Map();
    const outstanding = { sinceMs: this.options.clock.monotonicMs(), ...this.#outstanding, oldest };
    this.#outstanding = outstanding;
    const needed = withoutSuperseded(rows);
    try {
      const ends = await this.#send(needed).catch((error: unknown) => {
        if (faultOf(error).remedy !== 'park') throw error;
        return this.#rowByRow(needed);
      });
      this.#acknowledged(outstanding);
      return ends;
    } catch (error) {
      this.#failed(outstanding, error);
      throw error;
    }
  }

  #acknowledged({ sinceMs, fault }: Outstanding): void {
    const { clock, log } = this.options;
    this.#outstanding = undefined;
    if (fault !== undefined)
      log.info({ after_ms: Math.round(clock.monotonicMs() - sinceMs) }, 'Kafka acknowledges again');
  }

  /** Said once per outage, not per attempt. */
  #failed(outstanding: Outstanding, error: unknown): void {
    const fault = faultOf(error);
    const { metrics, log } = this.options;
    if (outstanding.fault === undefined && fault.remedy === 'wait')
      log.warn({ err: fault, position: String(outstanding.oldest.position) }, 'not acknowledged: repeating');
    this.#outstanding = { ...outstanding, fault: fault.message };
    metrics.notSent(fault.code);
  }

  /** The batch as a whole may have been refused for its size alone; then every row gets through by itself. */
  async #rowByRow(rows: readonly Row[]): Promise<Ends> {
    const ends: Ends[] = [];
    for (const row of rows) {
      try {
        ends.push(await this.#send([row]));
      } catch (error) {
        const fault = faultOf(error);
        throw fault.remedy === 'park' ? new RowRefused(row, fault.message, error) : error;
      }
    }
    return merged(ends);
  }

  async #send(rows: readonly Row[]): Promise<Ends> {
    const { publisher, topicPrefix, clock, databaseClock, metrics, mustBeTrusted, signal } = this.options;
    const records = recordsOf(rows, topicPrefix);
    const sentAtMs = clock.monotonicMs();
    mustBeTrusted();
    const ends = await publisher.send(records, signal);
    metrics.sent(rows, {
      ms: ({ created_at }) => databaseClock.ageMs(created_at),
      sendMs: clock.monotonicMs() - sentAtMs,
    });
    return ends;
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
