/** Keeps the compacted topic of states true: no older state stays over a newer one, and none stays that nobody needs. */
export { statesMetrics, type StatesMetrics } from './metrics.js';
export { States, type StatesOptions } from './states.js';
