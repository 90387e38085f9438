import type { ChallengeId } from '@tradesense/contracts';
import type { Metrics } from '@tradesense/platform';

import type { Outcome } from '../commit/index.js';
import type { Queries } from '../store/index.js';
import { Sweep, type SweepSettings } from '../sweep/index.js';
import { FIRST, findDue, type Due } from './due.js';

/** Behind a boundary: the busy ones have rolled by their own trades then, since every write rolls its challenge's due days first. */
const REST_MS = 2_000;

export interface RollOptions extends SweepSettings {
  readonly queries: Queries;
  /** Rolls one: decided under its lock. */
  readonly roll: (challengeId: ChallengeId) => Promise<Outcome>;
  readonly metrics: Metrics;
}

/** Rolls challenges that nobody trades at their midnight. Any number of instances may run. */
export class RollScheduler extends Sweep<Due> {
  constructor({ queries, roll, metrics, ...settings }: RollOptions) {
    const due = { find: (after: Due, limit: number) => findDue(queries, after, { restMs: REST_MS, limit }) };
    super({
      ...settings,
      name: 'day roll',
      search: () => Promise.resolve(due),
      first: FIRST,
      take: roll,
      counted: metrics.counter({
        name: 'rolls_total',
        help: 'Quiet challenges whose day had ended: accepted, unchanged where somebody was quicker, or the code of a fault.',
        labels: ['outcome'],
      }),
    });
  }
}
