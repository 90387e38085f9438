/** What operators see and do at the admin listener; what they do to one challenge is in the API. */
export { operatorActs, type OperatorOptions } from './acts.js';
