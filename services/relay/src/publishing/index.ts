/** Makes records of rows and sends them in order, acknowledged by all in-sync replicas. */
export { Outlet, merged, type Gate, type PublishingMetrics } from './outlet.js';
export type { Outstanding } from './waiting.js';
