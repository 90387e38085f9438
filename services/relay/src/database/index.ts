/** Connections to PostgreSQL that bound every wait and say when they are lost, and the time by its clock. */
export { DatabaseClock } from './database-clock.js';
export { Session, databaseFault, type SessionOptions, type Statement } from './session.js';
