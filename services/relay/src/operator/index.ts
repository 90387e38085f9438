/** What operators see and do at a relay: dead letters, listed, retried or discarded; every act written down with who and why. */
export { operatorActs, type OperatorOptions } from './acts.js';
