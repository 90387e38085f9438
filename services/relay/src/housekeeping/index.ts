/** Ranges of the outbox: made ahead of the writers, emptied and dropped behind everybody. */
export { Housekeeper, type HousekeeperOptions, type Ranges } from './housekeeper.js';
export { housekeepingMetrics, type HousekeepingMetrics } from './metrics.js';
