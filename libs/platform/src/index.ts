/** What every process needs besides its job: configuration, logs, metrics, health, the admin listener, breakers, time, an orderly end. */
export {
  AdminListener,
  AdminProblem,
  Page,
  invalidRequest,
  limitOf,
  type AdminActs,
  type AdminAnswer,
  type AdminOptions,
  type AdminRequest,
} from './admin/index.js';
export { Breaker, BreakerOpen, breakerReports, type BreakerOptions, type BreakerState } from './breaker/index.js';
export * from './config/index.js';
export { Fault, faultOf, type Remedy } from './fault.js';
export { Health, type Finding, type Report } from './health/index.js';
export { EXIT, Lifecycle, runService, type Part, type Service, type ServiceContext } from './lifecycle/index.js';
export { createLogger, type LogOptions, type Logger } from './logging/index.js';
export { Counter, Gauge, Histogram, LATENCY_BUCKETS, Registry, createMetrics, type Metrics } from './metrics/index.js';
export {
  fullJitter,
  inSlices,
  systemClock,
  systemRandom,
  turn,
  type Bounds,
  type Clock,
  type Random,
} from './time/index.js';
