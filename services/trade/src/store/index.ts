/** Entities, migrations, statements by hand. */
export { actKey, findActs, insertActs, type ActKey, type NewAct } from './act-statements.js';
export { insertAudit, listAudit, type AuditLine, type AuditRow } from './audit-statements.js';
export {
  LOCK_CHALLENGES,
  INSERT_CHALLENGE,
  findExisting,
  insertOpening,
  insertValues,
  listChallenges,
  listHeads,
  readChallenge,
  readOpening,
  updateChallenges,
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
export { insertPrograms, readPrograms } from './program-statements.js';
export { SoloConnection } from './solo-connection.js';
export {
  endSweep,
  epochToSweep,
  findBehind,
  keepEpoch,
  raiseEpoch,
  readStream,
  type Behind,
} from './stream-statements.js';
export {
  findTrades,
  insertLateTrades,
  insertTrades,
  listTrades,
  tradeKey,
  type LateTrade,
  type ListedTrade,
  type NewTrade,
} from './trade-statements.js';
export { OpenTransaction, type Queries } from './transaction.js';
