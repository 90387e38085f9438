/** Append rows in the caller's transaction: the aggregate locked first, the lock kept to commit, then rows in order of sequence. */
export { EVENT_BYTES, NotLocked, OutOfOrder, RowTooLarge, STATE_BYTES, TextRefused, append } from './append.js';
export { sqlOf, valuesOf, type Column, type Columns } from './columns.js';
export { OutsideTransaction, lockAggregates, type Locked } from './locked.js';
export { RANGE_ROWS, outboxMigrations } from './migrations/index.js';
export { STATE_TYPE, STORED_COLUMNS, type OutboxRow, type StoredRow } from './row.js';
export { transactionOf, type Transaction } from './transaction.js';
