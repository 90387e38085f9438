import type { EventBodies, EventType } from '../events/index.js';

/** Which socket event carries which domain event. The state type is not an event and has no socket name of its own. */
export const SOCKET_EVENT = {
  EQUITY_UPDATED: 'equity_updated',
  CHALLENGE_STATUS_CHANGED: 'challenge_status_changed',
  RISK_ALERT: 'risk_alert',
  CHALLENGE_UPDATED: 'challenge_updated',
  EVENT_SKIPPED: 'event_skipped',
} as const satisfies Record<EventType, string>;
export type SocketEvent = (typeof SOCKET_EVENT)[EventType];
export const STATE_TYPE = 'CHALLENGE_STATE';

export const isEventType = (type: string): type is EventType => Object.hasOwn(SOCKET_EVENT, type);
export const roomOf = (challengeId: string): string => `challenge_${challengeId}`;

export type EventByName = { [Type in EventType as (typeof SOCKET_EVENT)[Type]]: EventBodies[Type] };
