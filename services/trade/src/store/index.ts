/** Entities, migrations, statements by hand. */
export {
  LOCK_CHALLENGE,
  INSERT_CHALLENGE,
  insertOpening,
  insertValues,
  readChallenge,
  readOpening,
  readStream,
  updateChallenge,
  type FirstAnswer,
} from './challenge-statements.js';
export { challengeOf } from './challenge-row.js';
export type { ChallengeEntity } from './challenge.entity.js';
export { ENTITIES } from './data-source.js';
export { Database } from './database.js';
export { DatabaseUnavailable, Overloaded } from './faults.js';
export { migrate } from './migrate.js';
export { Trade1700000000002 } from './migrations/1700000000002-trade.js';
export { SoloConnection } from './solo-connection.js';
export { findTrade, insertLateTrade, insertTrade, listTrades, type ListedTrade } from './trade-statements.js';
export { OpenTransaction, type Queries } from './transaction.js';
