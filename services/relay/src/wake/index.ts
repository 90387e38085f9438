/** Hints that rows may be there: they save the wait for the next poll, and nothing depends on them. */
export { WakeListener } from './wake-listener.js';
export { Wake } from './wake.js';
