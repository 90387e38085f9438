import { EVENTS, STATE, type EventId } from '@tradesense/contracts';
import { STATE_TYPE, type OutboxRow } from '@tradesense/outbox';

import type { Told } from '../domain/index.js';

/** Events in order of sequence, then one state: what a transaction leaves behind of a challenge. */
export function outboxRows({ challenge, events }: Told, stateText: string, traceparent: string | null): OutboxRow[] {
  const { challengeId: aggregateId, epoch, userId } = challenge;
  const common = { aggregateId, epoch, userId, traceparent };
  const told = events.map(({ type, body }): OutboxRow => ({
    ...common,
    aggregateType: EVENTS,
    id: body.event_id as EventId,
    type,
    sequence: body.sequence,
    payload: JSON.stringify(body),
  }));
  const { eventId: id, sequence } = challenge;
  return [...told, { ...common, aggregateType: STATE, id, type: STATE_TYPE, sequence, payload: stateText }];
}
