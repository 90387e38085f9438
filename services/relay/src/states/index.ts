/** Keeps the compacted topic of states true: no older state stays over a newer one, and none stays that nobody needs. */
export { StateGuard, type GuardOptions } from './guard.js';
export { statesMetrics, type StatesMetrics } from './metrics.js';
export { StateSweep, type SweepOptions } from './sweep.js';
