import type { EventBodies, EventId, EventType, UserId } from '@tradesense/contracts';

import type { Challenge } from './challenge.js';
import type { Decision } from './decision.js';

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
  const envelope = { event_id: eventId, epoch: challenge.epoch, sequence: challenge.sequence };
  const event = {
    type,
    userId: challenge.userId,
    body: { ...fieldsOf(challenge), ...envelope },
  } as unknown as ToldEvent;
  return { ...told, challenge, events: [...told.events, event] };
}
