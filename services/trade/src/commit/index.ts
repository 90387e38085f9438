/** A command becomes trade, challenge and outbox rows, all in one transaction, or nothing. */
export { DatabaseUnavailable, Overloaded } from '../store/index.js';
export type { Settled } from './job.js';
export type { Outcome } from './outcome.js';
export { Wake, type WakeLine } from './wake.js';
export { Writer, type MarkOutcome, type MarksWritten } from './writer.js';
