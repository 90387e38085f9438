import { Instant, type ChallengeId } from '@tradesense/contracts';

import { listTrades, type ListedTrade, type Queries } from '../store/index.js';
import { viewChallenge, type Reader } from './challenge-view.js';

export type TradeView = Omit<ListedTrade, 'sequence'> & { readonly sequence: number };

export interface TradePage {
  readonly items: readonly TradeView[];
  readonly next_cursor: string | null;
}

export interface PageRequest {
  readonly limit: number;
  /** Null: from the first trade on. */
  readonly pageToken: string | null;
}

export const BAD_PAGE_TOKEN = 'bad page token';

/** A page of a challenge's trades in the order they were applied; undefined where the reader sees no challenge. */
export async function viewTrades(
  queries: Queries,
  challengeId: ChallengeId,
  reader: Reader,
  { limit, pageToken }: PageRequest,
): Promise<TradePage | typeof BAD_PAGE_TOKEN | undefined> {
  if ((await viewChallenge(queries, challengeId, reader)) === undefined) return undefined;
  const after = pageToken === null ? 0 : numberOf(challengeId, pageToken);
  if (after === undefined) return BAD_PAGE_TOKEN;
  const found = await listTrades(queries, { challengeId, after, limit: limit + 1 });
  const items = found.slice(0, limit).map(viewOf);
  const last = items.at(-1);
  return { items, next_cursor: found.length > limit && last !== undefined ? tokenOf(challengeId, last.number) : null };
}

const moment = (micros: string): string => Instant.format(Instant.ofMicros(BigInt(micros)));

const viewOf = (trade: ListedTrade): TradeView => ({
  ...trade,
  executed_at: moment(trade.executed_at),
  opened_at: trade.opened_at === null ? null : moment(trade.opened_at),
  sequence: Number(trade.sequence),
  recorded_at: moment(trade.recorded_at),
});

/** Opaque to callers; carries its list, so that another list's is noticed. */
const tokenOf = (challengeId: ChallengeId, after: number): string =>
  Buffer.from(`trades ${challengeId} ${after}`).toString('base64url');

function numberOf(challengeId: ChallengeId, pageToken: string): number | undefined {
  const [list, id, after = ''] = Buffer.from(pageToken, 'base64url').toString().split(' ');
  return list === 'trades' && id === challengeId && /^\d{1,9}$/.test(after) ? Number(after) : undefined;
}
