/** What readers see of a challenge: as of now, and only their own. */
export type { Queries } from '../store/index.js';
export { viewChallenge, type Reader } from './challenge-view.js';
export { BAD_PAGE_TOKEN, viewTrades, type PageRequest, type TradePage, type TradeView } from './trade-list.js';
