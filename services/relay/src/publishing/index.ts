/** Makes records of rows and sends them in order, acknowledged by all in-sync replicas. */
export { Outlet, RowRefused, merged, type Outstanding, type PublishingMetrics } from './outlet.js';
