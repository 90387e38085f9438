/** Kafka's records as facts: frames and states, positions, the warm start. */
export { Intake, type IntakeOptions, type IntakeSignals } from './intake.js';
export { partitionOfChallenge } from './partition.js';
export { readRecord, type Fact, type IncomingEvent, type IncomingState, type SpoiltWhy } from './record.js';
export type { AccessSink, AccessTaken, FactSink, Progress, Stream } from './sinks.js';
export { readWatermark } from './watermark.js';
