import type { ChallengeEvent, ChallengeHandle } from '@tradesense/client';
import { useEffect, useReducer } from 'react';

import type { Trade } from '../panels/activity-panel.js';
import type { Point } from '../panels/equity-chart.js';

/** What this page has seen happen: points of the chart and the latest trades. */
export interface Session {
  readonly points: readonly Point[];
  readonly trades: readonly Trade[];
}

const MOST_POINTS = 5_000;
const MOST_TRADES = 50;
const EMPTY: Session = { points: [], trades: [] };

function afterEvent(session: Session, event: ChallengeEvent): Session {
  if (event.type !== 'EQUITY_UPDATED') return session;
  const { event_id, sequence, current_equity, executed_at, trade_pnl, trade_symbol } = event.body;
  if (executed_at === null) return session;
  const point: Point = { sequence, atMs: Date.parse(executed_at), equity: current_equity };
  const points = [...session.points.slice(1 - MOST_POINTS), point];
  if (trade_pnl === null || trade_symbol === null) return { ...session, points };
  const trade: Trade = {
    eventId: event_id,
    at: executed_at,
    symbol: trade_symbol,
    pnl: trade_pnl,
    equity: current_equity,
  };
  return { points, trades: [trade, ...session.trades].slice(0, MOST_TRADES) };
}

export function useSession(challenge: ChallengeHandle): Session {
  const [session, tell] = useReducer(afterEvent, EMPTY);
  useEffect(() => challenge.onEvent(tell), [challenge]);
  return session;
}
