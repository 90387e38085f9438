/** Tells gateways up to when, and up to where, Kafka has everything. */
export { Watermarks } from './watermarks.js';
