import type { ChallengeId, Freshness } from '@tradesense/contracts';

/** Whether what is known is all there is, as the freshness stage judged it last. */
export interface Standing {
  readonly state: Freshness['state'];
  readonly asOf: string | null;
  readonly reason?: NonNullable<Freshness['reason']>;
}

export const STARTING: Standing = { state: 'unknown', asOf: null, reason: 'starting' };

/** A record's time is when its row was written; a transaction that lasts so long commits later than watermarks believe. */
const SLOWEST_COMMIT_MS = 10_000;

/** Of each partition, and of the challenges whose events are held back by the relay. */
export class Standings {
  readonly #partitions: Standing[] = [];
  readonly #settledBeforeMs: number[] = [];
  #parked: ReadonlySet<string> | 'many' = new Set();

  /** @param readFromMs events committed before it were never asked for, milliseconds since 1970 */
  constructor(private readonly readFromMs: number) {}

  ofPartition(partition: number): Standing {
    return this.#partitions[partition] ?? STARTING;
  }

  of(challengeId: ChallengeId, partition: number): Standing {
    const standing = this.ofPartition(partition);
    if (this.#parked !== 'many' && (this.#parked.size === 0 || !this.#parked.has(challengeId))) return standing;
    return { state: 'stale', asOf: standing.asOf, reason: 'parked' };
  }

  /** Of what was committed before it, nothing is still to come, milliseconds since 1970. */
  settledBeforeMs(partition: number): number {
    return this.#settledBeforeMs[partition] ?? this.readFromMs;
  }

  set(partition: number, standing: Standing): void {
    this.#partitions[partition] = standing;
    if (standing.asOf !== null) this.#settledBeforeMs[partition] = Date.parse(standing.asOf) - SLOWEST_COMMIT_MS;
  }

  park(challengeIds: ReadonlySet<string> | 'many'): void {
    this.#parked = challengeIds;
  }
}
