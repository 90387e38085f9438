/** Rolls challenges that nobody trades when their day ends. */
export { RollScheduler, type RollOptions } from './roll-scheduler.js';
