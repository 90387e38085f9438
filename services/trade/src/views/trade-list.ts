import { Instant, type ChallengeId } from '@tradesense/contracts';

import { listTrades, type ListedTrade, type Queries } from '../store/index.js';
import { viewChallenge, type Reader } from './challenge-view.js';
import { BAD_PAGE_TOKEN, numberAfter, numberToken, type PageRequest } from './page.js';

export type TradeView = Omit<ListedTrade, 'sequence'> & { readonly sequence: number };

export interface TradePage {
  readonly items: readonly TradeView[];
  readonly next_cursor: string | null;
}

/** A page of a challenge's trades in the order they were applied; undefined where the reader sees no challenge. */
export async function viewTrades(
  queries: Queries,
  challengeId: ChallengeId,
  reader: Reader,
  { limit, pageToken }: PageRequest,
): Promise<TradePage | typeof BAD_PAGE_TOKEN | undefined> {
  if ((await viewChallenge(queries, challengeId, reader)) === undefined) return undefined;
  const after = numberAfter('trades', challengeId, pageToken);
  if (after === undefined) return BAD_PAGE_TOKEN;
  const found = await listTrades(queries, { challengeId, after, limit: limit + 1 });
  const items = found.slice(0, limit).map(viewOf);
  const last = items.at(-1);
  return {
    items,
    next_cursor: found.length > limit && last !== undefined ? numberToken('trades', challengeId, last.number) : null,
  };
}

const moment = (micros: string): string => Instant.format(Instant.ofMicros(BigInt(micros)));

const viewOf = (trade: ListedTrade): TradeView => ({
  ...trade,
  executed_at: moment(trade.executed_at),
  opened_at: trade.opened_at === null ? null : moment(trade.opened_at),
  sequence: Number(trade.sequence),
  recorded_at: moment(trade.recorded_at),
});
