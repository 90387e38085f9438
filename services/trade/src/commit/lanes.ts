import type { ChallengeId, EventId } from '@tradesense/contracts';
import { systemClock, type Clock, type Histogram, type Metrics } from '@tradesense/platform';

import type { Database } from '../store/index.js';
import type { Job, JobCommand, Settled } from './job.js';
import { Lane } from './lane.js';
import { writeJobs } from './write-jobs.js';

/** One decides while another waits for PostgreSQL: one lane alone writes 0.6 times as much as two. A third makes smaller batches. */
const LANES = 2;
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256];

export interface LanesOptions {
  readonly database: Database;
  readonly nextEventId: () => EventId;
  /** After each transaction, whether it is known to have been committed or not. */
  readonly onWritten: () => void;
  readonly metrics: Metrics;
  readonly clock?: Clock;
}

/** Group commit: a challenge's commands are written by its lane, together with those of others that have arrived (design 4). */
export class Lanes {
  readonly #lanes: readonly Lane[];
  readonly #clock: Clock;
  readonly #sizes: Histogram<never>;

  constructor(private readonly options: LanesOptions) {
    const { metrics, clock = systemClock } = options;
    this.#clock = clock;
    this.#sizes = metrics.histogram({
      name: 'batch_commands',
      help: 'Commands decided and written by one transaction.',
      labels: [],
      buckets: SIZES,
    });
    this.#lanes = Array.from({ length: LANES }, () => new Lane((jobs) => this.#write(jobs), clock));
    metrics.gaugeOf('commands_under_way', 'Commands that have no outcome yet.', () =>
      this.#lanes.reduce((sum, { underWay }) => sum + underWay, 0),
    );
  }

  /**
   * Decides commands of one challenge one after another, in one transaction.
   * @returns after the commit, what became of each
   * @throws Overloaded when too many wait already
   */
  submit(
    challengeId: ChallengeId,
    commands: readonly JobCommand[],
    { isPressing, traceparent }: { readonly isPressing: boolean; readonly traceparent: string | null },
  ): Promise<readonly Settled[]> {
    return new Promise((settle) => {
      const arrivedMs = this.#clock.monotonicMs();
      this.#laneOf(challengeId).submit({ challengeId, commands, isPressing, traceparent, arrivedMs, settle });
    });
  }

  async #write(jobs: readonly Job[]): Promise<ReadonlyMap<Job, readonly Settled[] | 'locked'>> {
    this.#sizes.observe(jobs.reduce((sum, { commands }) => sum + commands.length, 0));
    try {
      return await this.options.database.transact((transaction) =>
        writeJobs(transaction, jobs, this.options.nextEventId),
      );
    } finally {
      this.options.onWritten();
    }
  }

  /** Ids are random in their last digits, whichever version they have. */
  #laneOf(challengeId: ChallengeId): Lane {
    return this.#lanes[Number.parseInt(challengeId.slice(-6), 16) % this.#lanes.length]!;
  }
}
