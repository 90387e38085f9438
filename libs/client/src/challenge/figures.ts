import {
  isBeyond,
  type ChallengeState,
  type ChallengeStatusChanged,
  type Cursor,
  type EquityFields,
  type EquityUpdated,
  type EventBodies,
  type EventType,
  type RiskAlert,
} from '@tradesense/contracts';

/** What is known of a challenge. Immutable: a part that did not change keeps its identity. Money stays text. */
export interface Figures {
  /** The last whole state that was sent. Equity may have moved on since: `equityData` says where to. */
  readonly snapshot: ChallengeState | null;
  readonly equityData: EquityUpdated | EquityFields | null;
  /** The last change of status that was seen happening; `snapshot.status` tells the status where none was. */
  readonly statusData: ChallengeStatusChanged | null;
  /** Newest first. */
  readonly riskAlerts: readonly RiskAlert[];
}

/** One event as the page handles it. */
export type ChallengeEvent = {
  readonly [Type in EventType]: { readonly type: Type; readonly body: EventBodies[Type] };
}[EventType];

export const NOTHING: Figures = { snapshot: null, equityData: null, statusData: null, riskAlerts: [] };

const MOST_ALERTS = 100;

export function afterEvent(figures: Figures, event: ChallengeEvent): Figures {
  switch (event.type) {
    case 'EQUITY_UPDATED':
      return { ...figures, equityData: event.body };
    case 'CHALLENGE_STATUS_CHANGED':
      return { ...figures, statusData: event.body };
    case 'RISK_ALERT':
      return { ...figures, riskAlerts: [event.body, ...figures.riskAlerts].slice(0, MOST_ALERTS) };
    case 'CHALLENGE_UPDATED':
      return { ...figures, ...ofState(event.body.state, figures.statusData) };
    case 'EVENT_SKIPPED':
      return figures;
  }
}

/**
 * A state in place of the events up to it. What an older history told is forgotten: it may never have happened. Alerts of the
 * same history are kept, those that are open and unknown are added, unless they were cleared.
 */
export function afterSnapshot(figures: Figures, state: ChallengeState, cleared: Cursor | null): Figures {
  const known = figures.snapshot?.epoch === state.epoch ? figures : NOTHING;
  const ids = new Set(known.riskAlerts.map(({ event_id }) => event_id));
  const news = state.open_alerts.filter(
    (alert) => !ids.has(alert.event_id) && (cleared === null || isBeyond(alert, cleared)),
  );
  return {
    ...ofState(state, known.statusData),
    riskAlerts:
      news.length === 0 ? known.riskAlerts : newestFirst([...known.riskAlerts, ...news]).slice(0, MOST_ALERTS),
  };
}

/** A change of status that the state contradicts was followed by one that was not seen. */
const ofState = (state: ChallengeState, known: ChallengeStatusChanged | null): Omit<Figures, 'riskAlerts'> => ({
  snapshot: state,
  equityData: state.equity,
  statusData: known?.new_status === state.status ? known : null,
});

const newestFirst = (alerts: readonly RiskAlert[]): readonly RiskAlert[] =>
  [...alerts].sort((a, b) => b.epoch - a.epoch || b.sequence - a.sequence);
