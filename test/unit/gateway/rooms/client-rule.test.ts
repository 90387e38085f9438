import type { Cursor, JoinedChallenge, Snapshot } from '@tradesense/contracts';
import fc from 'fast-check';

import type { Fact } from '../../../support/facts.js';
import { ringFaults } from '../../../support/gateway-invariants.js';
import { RoomUnderTest, type MemberUnderTest, type Message } from '../../../support/gateway-room.js';

/**
 * A member against the client's rule (design 9), over any history, any delivery from Kafka and any way a client comes and
 * goes. The model is a client that does what the protocol says and nothing clever; whatever it is sent must be what it may take.
 */
type Step =
  | { readonly is: 'event'; readonly kind: 'equity' | 'alert' | 'status' }
  /** The relay writes the state of the last event. */
  | { readonly is: 'state' }
  | { readonly is: 'rewind' }
  /** Kafka's side: the next of what was written arrives, is repeated, or is lost. */
  | { readonly is: 'arrives'; readonly stream: 'events' | 'states'; readonly how: 'once' | 'again' | 'never' }
  | { readonly is: 'joins'; readonly cursor: 'own' | 'none' | number; readonly history: number }
  | { readonly is: 'pulls'; readonly count: number; readonly conflates: boolean }
  | { readonly is: 'ages'; readonly frames: number };

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      is: fc.constant('event' as const),
      kind: fc.constantFrom('equity' as const, 'equity' as const, 'alert' as const, 'status' as const),
    }),
  },
  { weight: 6, arbitrary: fc.constant({ is: 'state' as const }) },
  { weight: 1, arbitrary: fc.constant({ is: 'rewind' as const }) },
  {
    weight: 14,
    arbitrary: fc.record({
      is: fc.constant('arrives' as const),
      stream: fc.constantFrom('events' as const, 'events' as const, 'states' as const),
      how: fc.constantFrom(
        'once' as const,
        'once' as const,
        'once' as const,
        'once' as const,
        'again' as const,
        'never' as const,
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      is: fc.constant('joins' as const),
      cursor: fc.oneof(fc.constant('own' as const), fc.constant('none' as const), fc.nat(30)),
      history: fc.constantFrom(0, 0, 3),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      is: fc.constant('pulls' as const),
      count: fc.integer({ min: 1, max: 4 }),
      conflates: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('ages' as const), frames: fc.nat(4) }) },
);

/** What a page does, in the fewest words. Throws at anything it should not have been sent. */
class ModelClient {
  cursor: Cursor | undefined;
  isJoined = false;
  /** History was asked for: frames before the snapshot may come, in order. */
  #pastTo: number | undefined;
  lastSaid: string | undefined;

  join(cursor: Cursor | undefined, history: number): void {
    this.cursor = cursor;
    this.isJoined = false;
    this.#pastTo = cursor === undefined && history > 0 ? -1 : undefined;
  }

  take({ name, body, bridge }: Message): void {
    if (name === 'joined_challenge') {
      const { snapshot, recovered, reason } = body as unknown as JoinedChallenge;
      if (this.isJoined) throw new Error('joined twice');
      this.isJoined = true;
      if (recovered !== (reason === undefined)) throw new Error('a reason only where it was not recovered');
      if (recovered && this.cursor === undefined) throw new Error('recovered, from nowhere');
      if (snapshot !== undefined) this.#snapshot(snapshot);
      return;
    }
    if (!this.isJoined) throw new Error(`${name} before joined_challenge`);
    if (name === 'snapshot') this.#snapshot((body as unknown as Snapshot).state);
    else if (name === 'freshness') this.lastSaid = body['state'] as string;
    else this.#event(body as unknown as Cursor, bridge?.prev_sequence);
  }

  #snapshot({ epoch, sequence }: Cursor): void {
    if (this.cursor?.epoch === epoch && sequence < this.cursor.sequence)
      throw new Error('a snapshot before the cursor');
    if (this.cursor !== undefined && epoch < this.cursor.epoch) throw new Error('a snapshot of an older epoch');
    this.cursor = { epoch, sequence };
  }

  #event({ epoch, sequence }: Cursor, bridgeFrom: number | undefined): void {
    const prev = bridgeFrom ?? sequence - 1;
    const { cursor } = this;
    if (cursor === undefined) throw new Error(`${sequence} before there is a cursor`);
    if (epoch !== cursor.epoch) throw new Error(`${sequence} of another epoch`);
    if (this.#pastTo !== undefined && sequence <= cursor.sequence) {
      if (sequence <= this.#pastTo) throw new Error(`history went back to ${sequence}`);
      this.#pastTo = sequence;
      return;
    }
    if (sequence <= cursor.sequence) throw new Error(`${sequence} again, the cursor is ${cursor.sequence}`);
    if (prev > cursor.sequence) throw new Error(`${sequence} follows ${prev}, the cursor is ${cursor.sequence}`);
    this.cursor = { epoch, sequence };
  }
}

class Play {
  readonly under = new RoomUnderTest({ frames: 8, bytes: 1e9 });
  readonly client = new ModelClient();
  readonly log = { events: [] as Fact[], states: [] as Fact[] };
  member: MemberUnderTest | undefined;

  constructor() {
    this.under.state(); // the challenge was opened
    this.under.live();
  }

  step(step: Step): void {
    const { history } = this.under;
    switch (step.is) {
      case 'event':
        this.log.events.push(history[step.kind]());
        break;
      case 'state':
        this.log.states.push(history.state());
        break;
      case 'rewind': {
        history.rewind();
        this.log.states.push(history.state());
        break;
      }
      case 'arrives':
        this.#arrives(step.stream, step.how);
        break;
      case 'joins':
        this.#join(step.cursor, step.history);
        break;
      case 'pulls':
        this.#pull(step);
        break;
      case 'ages': {
        const { ring } = this.under.room;
        const frame = ring?.at(step.frames);
        if (frame !== undefined) ring?.dropOlder(frame.storedAtMs);
        break;
      }
    }
    const { ring } = this.under.room;
    if (ring !== undefined) expect(ringFaults(ring)).toEqual([]);
  }

  /** Everything arrives that is still to come, and there is space for everything. */
  settle(): void {
    this.log.states.push(this.under.history.state());
    for (const stream of ['events', 'states'] as const)
      while (this.log[stream].length > 0) this.#arrives(stream, 'once');
    if (this.member === undefined) this.#join('none', 0);
    this.#pull({});
  }

  /** As delivery does: only who said that there is something is looked at. */
  #pull(how: { readonly count?: number; readonly conflates?: boolean }): void {
    if (this.member?.isAwake !== true) return;
    for (const message of this.member.pull(how)) this.client.take(message);
  }

  #arrives(stream: 'events' | 'states', how: 'once' | 'again' | 'never'): void {
    const fact = how === 'again' ? this.log[stream][0] : this.log[stream].shift();
    if (fact === undefined) return;
    if (how === 'never') {
      // Of a compacted topic the newest state never gets lost; an older one is no loss.
      if (stream === 'events') this.under.room.doubt();
      return;
    }
    if (stream === 'events') this.under.event(fact);
    else this.under.state(fact);
  }

  #join(cursor: 'own' | 'none' | number, history: number): void {
    const { room } = this.under;
    const { epoch } = this.under.history.cursor;
    const at = cursor === 'own' ? this.client.cursor : cursor === 'none' ? undefined : { epoch, sequence: cursor };
    if (this.member !== undefined) room.leave(this.member.member);
    this.client.join(at, history);
    this.member = this.under.join({ cursor: at, history });
  }
}

describe("a member against the client's rule", () => {
  it('is never sent anything backwards, twice or without what it follows, and in the end has all there is', () => {
    fc.assert(
      fc.property(fc.array(steps, { maxLength: 120 }), (script) => {
        const play = new Play();
        for (const step of script) play.step(step);
        play.settle();
        const { known } = play.under.room;
        const { cursor, lastSaid } = play.client;
        const isAhead =
          cursor !== undefined &&
          known !== undefined &&
          (cursor.epoch > known.epoch || (cursor.epoch === known.epoch && cursor.sequence > known.sequence));
        // A client whose cursor was invented may be ahead of all history; it is then told so, and nothing else.
        if (isAhead) expect(lastSaid).toBe('stale');
        else {
          expect(cursor).toEqual({ epoch: known?.epoch, sequence: known?.sequence });
          expect(lastSaid).toBe('live');
        }
      }),
      { numRuns: 400 },
    );
  });

  it('the model itself notices what would be wrong', () => {
    const event = (sequence: number, prev_sequence?: number): Message => ({
      name: 'equity_updated',
      body: { epoch: 1, sequence },
      bridge: prev_sequence === undefined ? undefined : { prev_sequence },
    });
    const joined = (): ModelClient => {
      const client = new ModelClient();
      client.join({ epoch: 1, sequence: 5 }, 0);
      client.take({ name: 'joined_challenge', body: { recovered: true }, bridge: undefined });
      return client;
    };
    expect(() => joined().take(event(6))).not.toThrow();
    expect(() => joined().take(event(9, 4))).not.toThrow();
    expect(() => joined().take(event(5))).toThrow('again');
    expect(() => joined().take(event(7))).toThrow('follows');
    expect(() => joined().take(event(9, 6))).toThrow('follows');
    expect(() => new ModelClient().take(event(6))).toThrow('before joined_challenge');
    const older = { epoch: 1, sequence: 4 };
    expect(() => joined().take({ name: 'snapshot', body: { state: older }, bridge: undefined })).toThrow('before');
  });
});
