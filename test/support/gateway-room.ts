import type { Bridge, Cursor, Freshness, JoinedChallenge, Snapshot, UserId } from '@tradesense/contracts';

import { textOf } from '../../services/gateway/src/frame/index.js';
import {
  FrameStore,
  Member,
  Room,
  Standings,
  type JoinRequest,
  type RingLimits,
} from '../../services/gateway/src/rooms/index.js';
import { EPOCH, History, type Fact } from './facts.js';
import { Counted, eventFrom, stateFrom } from './gateway-facts.js';

/** A message as its client reads it. */
export interface Message {
  readonly name: string;
  readonly body: Record<string, unknown>;
  readonly bridge: Bridge | undefined;
}

/** Older events were not asked for. */
export const READ_FROM_MS = Date.parse('2026-11-25T09:00:00Z');

/** A room with the history that feeds it. */
export class RoomUnderTest {
  readonly history = new History();
  readonly signals = new Counted();
  readonly standings = new Standings(READ_FROM_MS);
  readonly room: Room;

  constructor(limits?: RingLimits) {
    const shared = { store: new FrameStore(0), standings: this.standings, signals: this.signals, losses: [] };
    this.room = new Room(this.history.challengeId, 0, limits === undefined ? shared : { ...shared, limits });
  }

  get owner(): UserId {
    return this.history.userId;
  }

  event(fact: Fact): void {
    this.room.acceptEvent(eventFrom(fact));
  }
  state(fact: Fact = this.history.state(), committedAtMs?: number): void {
    this.room.acceptState(stateFrom(fact, committedAtMs));
  }
  /** An equity update and the state after it, as nearly always. */
  trade(count = 1): void {
    for (let done = 0; done < count; done += 1) {
      this.event(this.history.equity());
      this.state();
    }
  }
  live(asOf = '2026-11-25T10:00:00Z'): void {
    this.standings.set(0, { state: 'live', asOf });
    this.room.tell();
  }

  join(request: Partial<JoinRequest> = {}): MemberUnderTest {
    return new MemberUnderTest(this.room, { cursor: undefined, history: 0, ...request });
  }
}

/** One member, and the client behind it: what it is sent is read as the client reads it. */
export class MemberUnderTest {
  readonly member: Member;
  /** It said that there may be something to send, and has not been looked through since. */
  isAwake = true;
  isEvicted = false;

  constructor(
    readonly room: Room,
    request: JoinRequest,
  ) {
    this.member = new Member(room, { news: () => (this.isAwake = true), evicted: () => this.#evicted() }, request);
    room.enter(this.member);
  }

  #evicted(): void {
    this.isEvicted = true;
    this.isAwake = false; // delivery drops it
  }

  /** What it is due now, at most `count` messages. */
  pull({ count = Infinity, conflates = false } = {}): readonly Message[] {
    const messages: Message[] = [];
    while (messages.length < count) {
      const due = this.member.next(conflates);
      this.isAwake = due !== undefined;
      if (due === undefined) break;
      this.member.took(due);
      const [name, body, bridge] = JSON.parse(textOf(due.packet).slice(1)) as [
        string,
        Record<string, unknown>,
        Bridge?,
      ];
      messages.push({ name, body, bridge });
    }
    return messages;
  }
}

/** In short: names with the figures that matter, for comparing whole answers at a glance. */
export const inShort = ({ name, body, bridge }: Message): string => {
  if (name === 'joined_challenge') {
    const { recovered, reason, snapshot } = body as unknown as JoinedChallenge;
    return `joined${recovered ? ' recovered' : ` ${reason}`}${snapshot === undefined ? '' : ` snapshot ${snapshot.sequence}`}`;
  }
  if (name === 'snapshot') {
    const { reason, sequence } = body as unknown as Snapshot;
    return `snapshot ${sequence} ${reason}`;
  }
  if (name === 'freshness') {
    const { state, reason } = body as unknown as Freshness;
    return reason === undefined ? state : `${state} ${reason}`;
  }
  const { epoch, sequence } = body as unknown as Cursor;
  const after = bridge === undefined ? '' : ` after ${bridge.prev_sequence}`;
  return `${epoch === EPOCH ? '' : `${epoch - EPOCH}/`}${sequence}${after}`;
};
