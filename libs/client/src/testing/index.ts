/** For tests of pages that use the hook: a client whose views the test sets, without a gateway. */
import { NOT_BEGUN, viewOf, type ChallengeView } from '../challenge/view.js';
import type { EventListener } from '../challenge/live-challenge.js';
import type { ChallengeEvent } from '../challenge/figures.js';
import type { ChallengeClient, ChallengeHandle } from '../client.js';

export interface ClientDouble extends ChallengeClient {
  /** Replaces parts of what a challenge shows; `isConnected` and `isStale` follow from the rest, as they do in the client. */
  show(challengeId: string, parts: Partial<Omit<ChallengeView, 'isConnected' | 'isStale'>>): void;
  tell(challengeId: string, event: ChallengeEvent): void;
  /** What the page asked for, in order. */
  readonly asked: readonly string[];
}

export function clientDouble(): ClientDouble {
  const rooms = new Map<string, RoomDouble>();
  const asked: string[] = [];
  const roomOf = (challengeId: string): RoomDouble => {
    const room = rooms.get(challengeId) ?? new RoomDouble();
    rooms.set(challengeId, room);
    return room;
  };
  return {
    asked,
    useToken: () => undefined,
    challenge: (challengeId) => roomOf(challengeId).handle(challengeId, asked),
    show(challengeId, parts) {
      const room = roomOf(challengeId);
      const { connection, asOf, error, cursor, ...figures } = { ...room.view, ...parts };
      room.view = viewOf({ connection, asOf, error, cursor, figures });
      for (const listener of [...room.listeners]) listener();
    },
    tell(challengeId, event) {
      for (const listener of [...roomOf(challengeId).eventListeners]) listener(event, false);
    },
  };
}

class RoomDouble {
  readonly listeners = new Set<() => void>();
  readonly eventListeners = new Set<EventListener>();
  view: ChallengeView = NOT_BEGUN;

  handle(challengeId: string, asked: string[]): ChallengeHandle {
    return {
      subscribe: (listener) => {
        this.listeners.add(listener);
        return () => void this.listeners.delete(listener);
      },
      onEvent: (listener) => {
        this.eventListeners.add(listener);
        return () => void this.eventListeners.delete(listener);
      },
      getSnapshot: () => this.view,
      refresh: () => {
        asked.push(`refresh ${challengeId}`);
        return Promise.resolve(true);
      },
      clearAlerts: () => void asked.push(`clearAlerts ${challengeId}`),
    };
  }
}
