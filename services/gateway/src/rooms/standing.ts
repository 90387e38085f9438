import type { ChallengeId, Freshness } from '@tradesense/contracts';

/** Whether what is known is all there is, as the freshness stage judged it last. */
export interface Standing {
  readonly state: Freshness['state'];
  readonly asOf: string | null;
  readonly reason?: NonNullable<Freshness['reason']>;
}

export const STARTING: Standing = { state: 'unknown', asOf: null, reason: 'starting' };

/** Of each partition, and of the challenges whose events are held back by the relay. */
export class Standings {
  readonly #partitions: Standing[] = [];
  #parked: ReadonlySet<string> | 'many' = new Set();

  ofPartition(partition: number): Standing {
    return this.#partitions[partition] ?? STARTING;
  }

  of(challengeId: ChallengeId, partition: number): Standing {
    const standing = this.ofPartition(partition);
    if (this.#parked !== 'many' && (this.#parked.size === 0 || !this.#parked.has(challengeId))) return standing;
    return { state: 'stale', asOf: standing.asOf, reason: 'parked' };
  }

  set(partition: number, standing: Standing): void {
    this.#partitions[partition] = standing;
  }

  park(challengeIds: ReadonlySet<string> | 'many'): void {
    this.#parked = challengeIds;
  }
}
