/** Finds what is committed, in an order that is safe to publish, and knows below which position nothing can come any more. */
export { Reader, fitting, type Batch, type ReadingMetrics } from './reader.js';
export { SEQUENCE, rowOf, rowsOfChallenge, type Row } from './statements.js';
