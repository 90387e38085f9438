import { EVENTS, STATE, type ChallengeId, type EventId } from '@tradesense/contracts';
import { STATE_TYPE, type OutboxRow } from '@tradesense/outbox';

import type { Challenge, ToldEvent } from '../domain/index.js';

/** `user_id` is who owned the challenge at this event. */
export const eventRow = (
  challengeId: ChallengeId,
  { type, userId, body }: ToldEvent,
  traceparent: string | null,
): OutboxRow => ({
  aggregateId: challengeId,
  epoch: body.epoch,
  userId,
  traceparent,
  aggregateType: EVENTS,
  id: body.event_id as EventId,
  type,
  sequence: body.sequence,
  payload: JSON.stringify(body),
});

/** After a transaction's events of a challenge: what it leaves behind. */
export const stateRow = (
  { challengeId: aggregateId, epoch, userId, eventId: id, sequence }: Challenge,
  payload: string,
  traceparent: string | null,
): OutboxRow => ({
  aggregateId,
  epoch,
  userId,
  traceparent,
  aggregateType: STATE,
  id,
  type: STATE_TYPE,
  sequence,
  payload,
});
