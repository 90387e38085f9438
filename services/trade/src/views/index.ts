/** What readers see of a challenge: as of now, and only their own. */
export type { Queries } from '../store/index.js';
export { viewAudit } from './audit-list.js';
export { viewChallenges, type ChallengePage } from './challenge-list.js';
export { viewChallenge, viewLimits, type Reader } from './challenge-view.js';
export { recomputed, viewDecisions, type DecisionPage } from './decision-list.js';
export { viewHeads, type Head } from './head-list.js';
export { BAD_PAGE_TOKEN, type PageRequest } from './page.js';
export { viewTrades, type TradePage, type TradeView } from './trade-list.js';
