import { given } from '../support/given.js';
import type { System } from '../support/system.js';
import type { TradeApi } from '../support/trade-api.js';

export interface Trader {
  readonly userId: string;
  readonly challengeIds: readonly string[];
  readonly tradeIds: readonly string[];
  /** Of their lists, as they were given out. */
  readonly cursors: readonly string[];
  /** Texts that stand in nobody else's answers. */
  readonly marks: readonly string[];
}

/** A trader with a challenge that goes on, one that has failed, and one that is judged by marks. */
export async function seeded({ api }: System): Promise<Trader> {
  const user_id = given.userId();
  const symbol = `OF/${user_id}`;
  const open = (program: string) => api.open({ user_id, program });
  const [going, failed, marked] = [await open('seed'), await open('seed'), await open('ftmo-2-step')];
  const trades = [
    await api.post(going.challenge_id, { symbol, realized_pnl: '150.00' }),
    await api.post(going.challenge_id, { symbol, realized_pnl: '-300.00' }),
    await api.post(failed.challenge_id, { symbol, realized_pnl: '-450.00' }),
    await api.post(failed.challenge_id, { symbol, realized_pnl: '-200.00' }),
    await api.post(marked.challenge_id, { symbol, realized_pnl: '75.00' }),
  ];
  const challengeIds = [going, failed, marked].map(({ challenge_id }) => challenge_id);
  return {
    userId: user_id,
    challengeIds,
    tradeIds: trades.map(({ trade_id }) => trade_id),
    cursors: await cursorsOf(api, user_id, challengeIds),
    marks: [user_id, symbol, ...challengeIds, ...trades.flatMap(({ events }) => events.map((event) => event.event_id))],
  };
}

async function cursorsOf(api: TradeApi, userId: string, challengeIds: readonly string[]): Promise<readonly string[]> {
  const lists = [
    `/v1/challenges?user_id=${userId}&limit=1`,
    ...challengeIds.flatMap((id) => [`/v1/challenges/${id}/trades?limit=1`, `/v1/challenges/${id}/decisions?limit=1`]),
  ];
  const pages = await Promise.all(lists.map((path) => api.request<{ next_cursor: string | null }>('GET', path)));
  return pages.flatMap(({ body }) => body.next_cursor ?? []);
}

/** What no list gave out, although it looks as if one had. */
export const forgedCursors = (challengeId: string): readonly string[] =>
  [
    `challenges 1 ${'-'.repeat(36)}`,
    `challenges 99999999999999999 ${challengeId}`,
    `trades ${challengeId} 999999999`,
    `decisions ${challengeId} -1`,
    `trades ${challengeId} \u0000`,
  ].map((text) => Buffer.from(text).toString('base64url'));
