/** Keeps a database whose history was rewound from being published as if nothing had happened. */
export { checkHistory, type HistoryOptions } from './history.js';
export { historyMetrics, type HistoryMetrics } from './metrics.js';
export { StreamEpoch, type StreamEpochOptions } from './stream-epoch.js';
