import type { ChallengeId } from '@tradesense/contracts';
import type { Metrics } from '@tradesense/platform';

import type { Outcome } from '../commit/index.js';
import { endSweep, epochToSweep, findBehind, type Behind, type Queries } from '../store/index.js';
import { FIRST_ID, Sweep, type Search, type SweepSettings } from '../sweep/index.js';

const FIRST: Behind = { id: FIRST_ID, epoch: '-1' };

export interface EpochSweepOptions extends SweepSettings {
  readonly queries: Queries;
  /** Lets one take the stream's epoch: decided under its lock. */
  readonly takeEpoch: (challengeId: ChallengeId) => Promise<Outcome>;
  readonly metrics: Metrics;
}

/**
 * Takes challenges that nobody trades along to a new epoch, and says so in the row `stream` when none is left behind; from then
 * on the relay clears the state topic of what the old history alone had. Any number of instances may run; one that starts
 * goes on where the last one was stopped, since what is behind is seen from the challenges themselves.
 */
export class EpochSweep extends Sweep<Behind> {
  constructor({ queries, takeEpoch, metrics, ...settings }: EpochSweepOptions) {
    const search = async (): Promise<Search<Behind> | undefined> => {
      const epoch = await epochToSweep(queries);
      if (epoch === undefined) return undefined;
      return {
        find: (after, limit) => findBehind(queries, epoch, { after, limit }),
        ended: async () => {
          if (await endSweep(queries, epoch)) settings.log.info({ epoch }, 'all challenges have taken the epoch');
        },
      };
    };
    super({
      ...settings,
      name: 'epoch sweep',
      search,
      first: FIRST,
      take: takeEpoch,
      counted: metrics.counter({
        name: 'epochs_taken_total',
        help: 'Quiet challenges behind a new epoch: accepted, unchanged where somebody was quicker, or the code of a fault.',
        labels: ['outcome'],
      }),
    });
  }
}
