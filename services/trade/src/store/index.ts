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
export { insertDecisions, listDecisions, readDecision, type MadeDecision } from './decision-statements.js';
export { migrate } from './migrate.js';
export { TRADE_MIGRATIONS } from './migrations/index.js';
export { SoloConnection } from './solo-connection.js';
export { findTrade, insertLateTrade, insertTrade, listTrades, type ListedTrade } from './trade-statements.js';
export { OpenTransaction, type Queries } from './transaction.js';
