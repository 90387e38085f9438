import { Fault, type Clock } from '@tradesense/platform';

import type { Session, Statement } from '../database/index.js';
import type { Row } from '../reading/index.js';
import type { HistoryMetrics } from './metrics.js';

const readStream: Statement = { name: 'stream', text: `select epoch, swept from stream` };
interface StreamRow {
  readonly epoch: string;
  readonly swept: string;
}

/** Age at which it is read again: before rows are published, and otherwise. An idle relay must cost the database next to nothing. */
const AGE_MS = { publishing: 1_000, idle: 10_000 };

export interface StreamEpochOptions {
  readonly session: Pick<Session, 'query'>;
  readonly clock: Clock;
  readonly metrics: Pick<HistoryMetrics, 'withheld'>;
  /** Told of the epoch when it is read first, and whenever it was raised; before any row of it is let through. */
  readonly raised: (epoch: bigint) => Promise<void>;
}

/**
 * Number of the history that this database tells, and up to which epoch the trade service has swept its quiet challenges
 * (design 5.4). Rows of earlier epochs are withheld: what they say is covered by the states that the new epoch begins with.
 */
export class StreamEpoch {
  #lookedAtMs = -Infinity;
  #epoch = 0n;
  /** The same, as rows say it. */
  #text = '';
  #swept = 0n;

  constructor(private readonly options: StreamEpochOptions) {}

  get epoch(): bigint {
    return this.#epoch;
  }

  get swept(): bigint {
    return this.#swept;
  }

  /** Of the rows of a batch those to be sent; asked before every batch, also one without rows. */
  async current(rows: readonly Row[]): Promise<readonly Row[]> {
    await this.#refresh(rows.length > 0 ? AGE_MS.publishing : AGE_MS.idle);
    // Its writer has seen a greater one: none of its rows goes on before we have.
    if (rows.some((row) => this.#compare(row) > 0)) await this.#refresh(0);
    const sent = rows.filter((row) => this.#compare(row) >= 0);
    this.options.metrics.withheld(rows.length - sent.length);
    return sent;
  }

  /** Negative: of an earlier epoch. */
  #compare({ epoch }: Row): number {
    return epoch === this.#text ? 0 : Number(BigInt(epoch) - this.#epoch);
  }

  async #refresh(ageMs: number): Promise<void> {
    const { session, clock, raised } = this.options;
    const nowMs = clock.monotonicMs();
    if (nowMs - this.#lookedAtMs < ageMs) return;
    const [row] = await session.query<StreamRow>(readStream);
    if (row === undefined) throw new Fault('stream-row-missing', 'wait', 'the table stream has no row');
    const epoch = BigInt(row.epoch);
    if (epoch !== this.#epoch) await raised(epoch);
    this.#epoch = epoch;
    this.#text = row.epoch;
    this.#swept = BigInt(row.swept);
    this.#lookedAtMs = nowMs;
  }
}
