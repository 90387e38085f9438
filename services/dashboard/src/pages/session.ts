import type { ChallengeEvent, ChallengeHandle } from '@tradesense/client';
import type { ChallengeState } from '@tradesense/contracts';
import { useEffect, useReducer } from 'react';

import { ALERT_WORDS, REASON_WORDS, STATUS_WORDS, UPDATE_WORDS } from '../format/words.js';
import type { Entry } from '../panels/activity-panel.js';
import type { Point } from '../panels/equity-chart.js';

/** What this page has seen happen: points of the chart, and the latest entries of its log, newest first. */
export interface Session {
  readonly points: readonly Point[];
  readonly entries: readonly Entry[];
}

type Seen =
  { readonly is: 'event'; readonly event: ChallengeEvent } | { readonly is: 'state'; readonly state: ChallengeState };

const MOST_POINTS = 5_000;
const MOST_ENTRIES = 100;
const EMPTY: Session = { points: [], entries: [] };

function after(session: Session, seen: Seen): Session {
  return seen.is === 'event' ? afterEvent(session, seen.event) : afterState(session, seen.state);
}

function afterEvent(session: Session, event: ChallengeEvent): Session {
  const entry = entryOf(event);
  const entries = entry === null ? session.entries : [entry, ...session.entries].slice(0, MOST_ENTRIES);
  if (event.type !== 'EQUITY_UPDATED') return { ...session, entries };
  const { sequence, current_equity: equity, executed_at } = event.body;
  if (executed_at === null) return { ...session, entries };
  return { points: plus(session.points, { sequence, atMs: Date.parse(executed_at), equity }), entries };
}

/** A snapshot stands for events that were not seen: the curve goes on from its equity. */
function afterState(session: Session, { sequence, equity, created_at }: ChallengeState): Session {
  if ((session.points.at(-1)?.sequence ?? -1) >= sequence) return session;
  const atMs = Date.parse(equity.last_trade_at ?? created_at);
  return { ...session, points: plus(session.points, { sequence, atMs, equity: equity.current_equity }) };
}

/** History from before the join comes after the snapshot it leads to. */
function plus(points: readonly Point[], point: Point): readonly Point[] {
  const last = points.at(-1);
  if (last === undefined || last.sequence < point.sequence) return [...points.slice(1 - MOST_POINTS), point];
  const index = points.findIndex(({ sequence }) => sequence >= point.sequence);
  return points[index]?.sequence === point.sequence ? points : points.toSpliced(index, 0, point);
}

function entryOf(event: ChallengeEvent): Entry | null {
  const { event_id: key } = event.body;
  switch (event.type) {
    case 'EQUITY_UPDATED': {
      const { executed_at: at, trade_symbol: what, trade_pnl: result, current_equity: equity } = event.body;
      return at === null || what === null || result === null ? null : { key, kind: 'trade', at, what, result, equity };
    }
    case 'RISK_ALERT': {
      const { alert_timestamp: at, alert_type, drawdown_percentage, threshold_percentage } = event.body;
      const what = `${ALERT_WORDS[alert_type]} ${drawdown_percentage} % of ${threshold_percentage} %`;
      return { key, kind: 'alert', at, what, result: null, equity: event.body.current_equity };
    }
    case 'CHALLENGE_STATUS_CHANGED': {
      const { changed_at: at, new_status, reason } = event.body;
      return {
        key,
        kind: 'status',
        at,
        what: `${STATUS_WORDS[new_status]}: ${REASON_WORDS[reason]}`,
        result: null,
        equity: null,
      };
    }
    case 'CHALLENGE_UPDATED': {
      const { changed_at: at, reason, state } = event.body;
      return { key, kind: 'update', at, what: UPDATE_WORDS[reason], result: null, equity: state.equity.current_equity };
    }
    case 'EVENT_SKIPPED':
      return {
        key,
        kind: 'update',
        at: event.body.skipped_at,
        what: 'An event was withdrawn',
        result: null,
        equity: null,
      };
  }
}

export function useSession(challenge: ChallengeHandle, snapshot: ChallengeState | null): Session {
  const [session, tell] = useReducer(after, EMPTY);
  useEffect(() => challenge.onEvent((event) => tell({ is: 'event', event })), [challenge]);
  useEffect(() => {
    if (snapshot !== null) tell({ is: 'state', state: snapshot });
  }, [snapshot]);
  return session;
}
