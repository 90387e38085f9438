import type { Clock } from '@tradesense/platform';

import type { Session, Statement } from '../database/index.js';

const readStream: Statement = { name: 'stream', text: `select epoch, swept from stream` };
interface StreamRow {
  readonly epoch: string;
  readonly swept: string;
}

/** Age at which it is read again: before rows are published, and otherwise. An idle relay must cost the database next to nothing. */
const AGE_MS = { publishing: 1_000, idle: 10_000 };

/** Number of the history that this database tells, and up to which epoch the trade service has swept its quiet challenges (design 5.4). */
export class StreamEpoch {
  #lookedAtMs = -Infinity;
  #epoch = 0n;
  #swept = 0n;

  private constructor(
    private readonly session: Pick<Session, 'query'>,
    private readonly clock: Clock,
  ) {}

  static async load(session: Pick<Session, 'query'>, clock: Clock): Promise<StreamEpoch> {
    const stream = new StreamEpoch(session, clock);
    await stream.refresh({ isPublishing: true });
    return stream;
  }

  get epoch(): bigint {
    return this.#epoch;
  }

  get swept(): bigint {
    return this.#swept;
  }

  /** Before every batch; asks the database where what is known has become too old. */
  async refresh({ isPublishing }: { readonly isPublishing: boolean }): Promise<void> {
    const nowMs = this.clock.monotonicMs();
    if (nowMs - this.#lookedAtMs < (isPublishing ? AGE_MS.publishing : AGE_MS.idle)) return;
    const [row] = await this.session.query<StreamRow>(readStream);
    this.#lookedAtMs = nowMs;
    if (row === undefined) return;
    this.#epoch = BigInt(row.epoch);
    this.#swept = BigInt(row.swept);
  }
}

/** Rows of earlier epochs are not sent: what they say is covered by the states that the new epoch begins with. */
export function withoutWithheld<Row extends { readonly epoch: string }>(
  rows: readonly Row[],
  epoch: bigint,
): readonly Row[] {
  const current = String(epoch);
  const isCurrent = (row: Row): boolean => row.epoch === current || BigInt(row.epoch) > epoch;
  return rows.every(isCurrent) ? rows : rows.filter(isCurrent);
}
