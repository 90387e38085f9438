import {
  Instant,
  type EventBodies,
  type EventId,
  type EventType,
  type UpdateReason,
  type UserId,
} from '@tradesense/contracts';

import type { Challenge } from './challenge.js';
import type { Moment } from './command.js';
import type { Decision } from './decision.js';
import type { Program } from './program/program.js';
import { equityFields, stateOf } from './state.js';

/** `userId` owned the challenge at this event: an act may change that within one command. */
export type ToldEvent = {
  readonly [Type in EventType]: { readonly type: Type; readonly userId: UserId; readonly body: EventBodies[Type] };
}[EventType];

/** A challenge, and what has been told of it in this command so far. */
export interface Told {
  readonly challenge: Challenge;
  readonly events: readonly ToldEvent[];
  readonly decisions: readonly Decision[];
}

type Fields<Type extends EventType> = Omit<EventBodies[Type], 'event_id' | 'epoch' | 'sequence'>;

/** One more event: the only place where a sequence counts up. */
export function tell<Type extends EventType>(
  told: Told,
  eventId: EventId,
  type: Type,
  fieldsOf: (challenge: Challenge) => Fields<Type>,
): Told {
  const challenge = { ...told.challenge, sequence: told.challenge.sequence + 1, eventId };
  const { epoch, sequence } = challenge;
  const body = { ...fieldsOf(challenge), event_id: eventId, epoch, sequence };
  const event = { type, userId: challenge.userId, body } as unknown as ToldEvent;
  return { ...told, challenge, events: [...told.events, event] };
}

export const tellEquity = (told: Told, { nextEventId }: Moment): Told =>
  tell(withEquityTold(told), nextEventId(), 'EQUITY_UPDATED', equityFields);

/** What a page shows changed without a trade, with the whole state. */
export const tellUpdate = (program: Program, told: Told, reason: UpdateReason, { at, nextEventId }: Moment): Told =>
  tell(withEquityTold(told), nextEventId(), 'CHALLENGE_UPDATED', (challenge) => ({
    challenge_id: challenge.challengeId,
    user_id: challenge.userId,
    reason,
    state: stateOf(program, challenge),
    changed_at: Instant.format(at),
  }));

/** The status that `told` has now, and that it had `before`; nothing where it is the same. */
export function tellStatus(told: Told, before: Told, { at, nextEventId }: Moment): Told {
  const { status, statusReason: reason } = told.challenge;
  const old = before.challenge.status;
  if (status === old || reason === null) return told;
  return tell(told, nextEventId(), 'CHALLENGE_STATUS_CHANGED', ({ challengeId }) => ({
    challenge_id: challengeId,
    old_status: old,
    new_status: status,
    reason,
    changed_at: Instant.format(at),
  }));
}

function withEquityTold(told: Told): Told {
  const { challenge } = told;
  const { marks } = challenge.book;
  if (marks === null || !marks.isUntold) return told;
  const settled = { ...marks, toldAt: marks.priceTime, isUntold: false };
  return { ...told, challenge: { ...challenge, book: { ...challenge.book, marks: settled } } };
}
