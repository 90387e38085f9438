import { isBeyond, type Cursor, type UserId } from '@tradesense/contracts';
import fc from 'fast-check';

import { Rooms, type Room } from '../../../services/gateway/src/rooms/index.js';
import { aUserId, History, type Fact } from '../../support/facts.js';
import { Counted, eventFrom, stateFrom } from '../../support/gateway-facts.js';
import { ringFaults } from '../../support/gateway-invariants.js';
import { MemberUnderTest, type Message } from '../../support/gateway-room.js';
import { ModelClient, type Truth } from '../../support/model-client.js';
import { until } from '../../support/until.js';

/**
 * Rooms and their members against the client's rule (design 9), over any history, any delivery from Kafka and any way a client
 * comes and goes. The model is a client that does what the protocol says and nothing clever; whatever it is sent must be what it
 * may take. Two challenges share a budget that is too small for both.
 */
type Act =
  | { readonly is: 'event'; readonly kind: 'equity' | 'alert' | 'status' }
  /** The relay writes the state of the last event. */
  | { readonly is: 'state' }
  | { readonly is: 'rewind' }
  /** The other user owns it from now on, by an event that says so. */
  | { readonly is: 'changes hands' }
  /** Kafka's side: the next of what was written arrives, is repeated, or is lost. */
  | {
      readonly is: 'arrives';
      readonly stream: 'events' | 'states';
      readonly how: 'once' | 'again' | 'spoilt' | 'lost';
      readonly count: number;
    }
  /** It says what has arrived by now, as it must. */
  | { readonly is: 'watermark' }
  | { readonly is: 'tombstone' }
  | { readonly is: 'joins'; readonly cursor: 'own' | 'none' | number; readonly history: number; readonly user: 0 | 1 }
  /** On the connection it has. */
  | { readonly is: 'rejoins'; readonly cursor: 'own' | 'none' | number; readonly history: number }
  | { readonly is: 'leaves' }
  | { readonly is: 'pulls'; readonly count: number; readonly conflates: boolean }
  /** All but so many frames are too old now. */
  | { readonly is: 'ages'; readonly frames: number };
type Step = Act & { readonly of: 0 | 1 };

const one = <const Value>(...values: readonly Value[]): fc.Arbitrary<Value> => fc.constantFrom(...values);
const is = <Name extends string>(name: Name): fc.Arbitrary<Name> => fc.constant(name);
const cursors = fc.oneof(is('own'), is('none'), fc.nat(5), fc.nat(30));
const histories = one(0, 0, 3, 200);
const acts: fc.Arbitrary<Act> = fc.oneof(
  { weight: 14, arbitrary: fc.record({ is: is('event'), kind: one('equity', 'equity', 'alert', 'status') }) },
  { weight: 6, arbitrary: fc.record({ is: is('state') }) },
  { weight: 1, arbitrary: fc.record({ is: is('rewind') }) },
  { weight: 2, arbitrary: fc.record({ is: is('changes hands') }) },
  {
    weight: 24,
    arbitrary: fc.record({
      is: is('arrives'),
      stream: one('events', 'events', 'states'),
      how: one(...Array.from({ length: 16 }, () => 'once' as const), 'again', 'again', 'spoilt', 'lost'),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ is: is('watermark') }) },
  { weight: 1, arbitrary: fc.record({ is: is('tombstone') }) },
  { weight: 5, arbitrary: fc.record({ is: is('joins'), cursor: cursors, history: histories, user: one(0, 1) }) },
  { weight: 2, arbitrary: fc.record({ is: is('rejoins'), cursor: cursors, history: histories }) },
  { weight: 1, arbitrary: fc.record({ is: is('leaves') }) },
  {
    weight: 8,
    arbitrary: fc.record({ is: is('pulls'), count: fc.integer({ min: 1, max: 4 }), conflates: fc.boolean() }),
  },
  { weight: 1, arbitrary: fc.record({ is: is('ages'), frames: fc.nat(4) }) },
);
const steps: fc.Arbitrary<Step> = fc
  .tuple(acts, one(0 as const, 0 as const, 0 as const, 1 as const))
  .map(([act, of]) => ({ ...act, of }));

const RING_FRAMES = 8;
/** For some six frames. */
const RINGS_BYTES = 4_500;
const SECOND_MS = 1_000;
const RING_MS = 15 * 60_000;
/** Between two rows; watermarks allow for commits that take two of them. */
const WRITTEN_EVERY_MS = 6_000;

/** One challenge: what was written of it, what has not arrived yet, and the client that looks at it. */
class Story implements Truth {
  readonly history = new History();
  readonly partition = stateFrom(this.history.state()).partition;
  readonly users = [this.history.userId, aUserId()] as const;
  readonly log = { events: [] as Fact[], states: [] as Fact[] };
  readonly arrived = { events: [] as Fact[], states: [] as Fact[] };
  client = new ModelClient(this, this.users[0]);
  member: MemberUnderTest | undefined;
  readonly #written = new Map<string, Fact>();
  readonly #writtenMs = new Map<Fact, number>();

  constructor(private readonly clock: { nowMs: number }) {}

  write(fact: Fact): void {
    const isState = fact.type === 'CHALLENGE_STATE';
    this.#writtenMs.set(fact, (this.clock.nowMs += WRITTEN_EVERY_MS));
    this.log[isState ? 'states' : 'events'].push(fact);
    if (!isState || !this.#written.has(keyOf(fact.at))) this.#written.set(keyOf(fact.at), fact);
  }

  isEquity(at: Cursor): boolean {
    return this.#written.get(keyOf(at))?.type === 'EQUITY_UPDATED';
  }
  ownerAt(at: Cursor): UserId | undefined {
    return this.#written.get(keyOf(at))?.userId;
  }
  writtenMs(fact: Fact): number {
    return this.#writtenMs.get(fact)!;
  }
  /** All before it has arrived, or is lost. */
  get settledMs(): number {
    const [event, state] = [this.log.events[0], this.log.states[0]];
    return Math.min(
      ...[event, state].map((fact) => (fact === undefined ? this.clock.nowMs + 1 : this.writtenMs(fact))),
    );
  }
  /** Every event behind the one cursor up to the other is still on its way. */
  isAllToCome(from: Cursor | undefined, to: Cursor | undefined): boolean {
    if (from === undefined || to === undefined || from.epoch !== to.epoch || from.sequence > to.sequence) return false;
    const between = this.log.events.filter(({ at }) => isBeyond(at, from) && !isBeyond(at, to));
    return between.length === to.sequence - from.sequence;
  }
}
const keyOf = ({ epoch, sequence }: Cursor): string => `${epoch}/${sequence}`;

/** What design 8.3 says of a join, by the ring and by what is known. */
function isToBeRecovered({ known, ring, overdue }: Room, cursor: Cursor | undefined): boolean {
  if (cursor === undefined || known === undefined || isBeyond(cursor, known)) return false;
  if (keyOf(cursor) === keyOf(known)) return true;
  if (cursor.epoch !== known.epoch) return false;
  if (overdue !== undefined) return false;
  if (ring === undefined) return true;
  return ring.epoch < cursor.epoch || ring.base <= cursor.sequence;
}

class Play {
  readonly rooms = new Rooms({
    signals: new Counted(),
    ringBytes: RINGS_BYTES,
    ringLimits: { frames: RING_FRAMES, bytes: 1e9 },
  });
  readonly #clock = { nowMs: Date.now() };
  readonly stories = [new Story(this.#clock), new Story(this.#clock)] as const;
  #arrived = 0;

  constructor() {
    for (const story of this.stories) story.write(story.history.state());
    for (const story of this.stories)
      this.rooms.state(stateFrom(story.log.states[0]!, story.writtenMs(story.log.states[0]!)));
    this.#watermark();
  }

  async step(step: Step): Promise<void> {
    const story = this.stories[step.of];
    const { history } = story;
    switch (step.is) {
      case 'event':
        story.write(history[step.kind]());
        break;
      case 'rewind':
        history.rewind();
        story.write(history.state());
        break;
      case 'state':
        story.write(history.state());
        break;
      case 'changes hands':
        history.userId = story.users[history.userId === story.users[0] ? 1 : 0];
        story.write(history.status());
        break;
      case 'arrives':
        for (let done = 0; done < step.count; done += 1) this.#arrives(story, step.stream, step.how);
        break;
      case 'watermark':
        this.#watermark();
        break;
      case 'tombstone':
        this.rooms.tombstone(history.challengeId);
        break;
      case 'joins':
        await this.#join(story, story.users[step.user], step);
        break;
      case 'rejoins':
        this.#rejoin(story, step);
        break;
      case 'leaves':
        this.#leave(story);
        break;
      case 'pulls':
        this.#pull(story, step);
        break;
      case 'ages':
        this.rooms.sweep((this.#arrived - step.frames) * SECOND_MS + RING_MS);
    }
    // Reclaimed in slices: a turn of the event loop later at the earliest.
    await until(() => this.rooms.ringBytes <= RINGS_BYTES, Boolean, {
      what: 'the rings keep to their budget',
      everyMs: 1,
    });
    for (const { member } of this.stories) {
      const ring = member?.room.ring;
      if (ring !== undefined) expect(ringFaults(ring)).toEqual([]);
    }
  }

  /** Everything arrives that is still to come, and there is space for everything. */
  async settle(): Promise<void> {
    for (const story of this.stories) {
      story.write(story.history.state());
      for (const stream of ['events', 'states'] as const)
        while (story.log[stream].length > 0) this.#arrives(story, stream, 'once');
      if (story.member === undefined) await this.#join(story, story.history.userId, { cursor: 'none', history: 0 });
    }
    this.#clock.nowMs += 60 * SECOND_MS;
    this.#watermark();
    this.rooms.sweep(0);
    for (const story of this.stories) this.#pull(story, {});
  }

  #watermark(): void {
    const asOf = new Date(Math.min(...this.stories.map(({ settledMs }) => settledMs))).toISOString();
    for (const { partition } of this.stories) this.rooms.stand(partition, { state: 'live', asOf });
  }

  #arrives(story: Story, stream: 'events' | 'states', how: 'once' | 'again' | 'spoilt' | 'lost'): void {
    const { log, arrived, history, partition } = story;
    // A relay that takes over begins a little before where the other ended.
    const fact = how === 'again' ? arrived[stream].at(-2) : log[stream].shift();
    if (fact === undefined) return;
    if (how === 'once') arrived[stream].push(fact);
    if (stream === 'states') {
      // Of a compacted topic the newest state never gets lost; an older one is no loss.
      if (how === 'once' || how === 'again') this.rooms.state(stateFrom(fact, story.writtenMs(fact)));
      return;
    }
    this.#arrived += 1;
    const event = eventFrom(fact, this.#arrived * SECOND_MS);
    if (how === 'spoilt') this.rooms.spoilt(history.challengeId, partition);
    else if (how === 'lost') this.rooms.lost(partition);
    else this.rooms.event(event);
  }

  async #join(
    story: Story,
    userId: UserId,
    { cursor, history }: Pick<Step & { is: 'joins' }, 'cursor' | 'history'>,
  ): Promise<void> {
    const room = await this.rooms.owned(story.history.challengeId, userId, 0);
    if (room === undefined) return;
    const own = story.client.cursor;
    this.#leave(story);
    story.client = new ModelClient(story, userId);
    const at = cursorOf(story, cursor, own);
    story.client.join(at, history);
    story.member = new MemberUnderTest(room, { cursor: at, history });
  }

  #rejoin(story: Story, { cursor, history }: Pick<Step & { is: 'rejoins' }, 'cursor' | 'history'>): void {
    const { member, client } = story;
    if (member === undefined || member.isEvicted) return;
    const at = cursorOf(story, cursor, client.cursor);
    client.join(at, history);
    member.member.rejoin({ cursor: at, history });
  }

  #leave(story: Story): void {
    if (story.member !== undefined) story.member.room.leave(story.member.member);
    story.member = undefined;
  }

  /** As delivery does: only who said that there is something is looked at. */
  #pull(story: Story, how: { readonly count?: number; readonly conflates?: boolean }): void {
    const { member, client } = story;
    if (member?.isAwake !== true) return;
    const expected = client.isJoined ? undefined : isToBeRecovered(member.room, client.cursor);
    // Whatever the room knows: nobody is given a snapshot in place of events that are all on their way.
    if (expected === false && !member.room.ringIsRestart)
      expect(story.isAllToCome(client.cursor, member.room.known)).toBe(false);
    for (const message of member.pull(how)) client.take(message);
    if (expected !== undefined) expect(client.answer?.recovered).toBe(expected);
  }
}

const cursorOf = (story: Story, which: 'own' | 'none' | number, own: Cursor | undefined): Cursor | undefined => {
  if (which === 'own') return own;
  return which === 'none' ? undefined : { epoch: story.history.cursor.epoch, sequence: which };
};

describe("rooms and members against the client's rule", () => {
  it('send nothing backwards, twice, without what it follows, or of another, and in the end all there is', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 150, size: 'max' }), one(0, 0, 20, 50), async (script, ahead) => {
        const play = new Play();
        for (const [index, step] of script.entries()) {
          // Events are read apart from states, and may begin to come much later.
          const isLate = index < ahead && step.is === 'arrives' && step.stream === 'events';
          if (!isLate) await play.step(step);
        }
        await play.settle();
        for (const { member, client, history } of play.stories) {
          if (member?.isEvicted !== false) continue; // it is somebody else's now
          const known = history.cursor;
          const { cursor, lastSaid } = client;
          // A client whose cursor was invented may be ahead of all history; it is then told so, and nothing else.
          if (cursor !== undefined && isBeyond(cursor, known)) expect(lastSaid).toBe('stale');
          else expect({ cursor, lastSaid }).toEqual({ cursor: known, lastSaid: 'live' });
        }
      }),
      { numRuns: 150 },
    );
  }, 20_000);

  it('the model itself notices what would be wrong', () => {
    const event = (sequence: number, prev_sequence?: number): Message => ({
      name: 'equity_updated',
      body: { epoch: 1, sequence },
      bridge: prev_sequence === undefined ? undefined : { prev_sequence },
    });
    const joined = (): ModelClient => {
      const client = new ModelClient();
      client.join({ epoch: 1, sequence: 5 });
      client.take({ name: 'joined_challenge', body: { recovered: true, epoch: 1, sequence: 5 }, bridge: undefined });
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
    const alert: Message = { ...event(9, 4), name: 'risk_alert' };
    expect(() => joined().take(alert)).toThrow('stands in');
    const truth = { isEquity: () => false, ownerAt: () => 'b' as UserId };
    const foreign = new ModelClient(truth, 'a' as UserId);
    foreign.join({ epoch: 1, sequence: 5 });
    foreign.take({ name: 'joined_challenge', body: { recovered: true, epoch: 1, sequence: 5 }, bridge: undefined });
    expect(() => foreign.take(event(6))).toThrow('is of b, not of a');
    const swallowed = new ModelClient({ ...truth, ownerAt: () => undefined });
    swallowed.join({ epoch: 1, sequence: 5 });
    swallowed.take({ name: 'joined_challenge', body: { recovered: true, epoch: 1, sequence: 5 }, bridge: undefined });
    expect(() => swallowed.take(event(9, 5))).toThrow('6 is no equity update');
  });
});
