/** Append rows in the caller's transaction: the aggregate locked first, the lock kept to commit, then rows in order of sequence. */
export { Outbox1700000000001, RANGE_ROWS } from './migrations/1700000000001-outbox.js';
