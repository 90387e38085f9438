/** Goes over challenges that nobody touches, each with one command, at a bounded rate. */
export { FIRST_ID, Sweep, type Search, type SweepOptions, type SweepSettings } from './sweep.js';
