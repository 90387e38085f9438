import type { Cursor, EquityUpdated, JoinChallenge } from '@tradesense/contracts';
import fc from 'fast-check';

import { ClientWorld, type WireUnderTest } from '../../../support/client-world.js';
import type { Fact } from '../../../support/facts.js';
import { RoomUnderTest, type MemberUnderTest, type Message } from '../../../support/gateway-room.js';
import { PageUnderTest } from '../../../support/page.js';

/**
 * The client against the gateway's own room and member, over any history and a wire that loses, repeats and cuts. Whatever
 * happens, what it handles is exact; and once things are well again it ends with the last figure, live.
 */
type Step =
  | { readonly is: 'event'; readonly kind: 'equity' | 'alert' | 'status' }
  | { readonly is: 'burst'; readonly count: number }
  | { readonly is: 'rewind' }
  | { readonly is: 'deliver'; readonly how: 'once' | 'twice' | 'never'; readonly conflates: boolean }
  | { readonly is: 'cut' }
  | { readonly is: 'pass'; readonly ms: number }
  | { readonly is: 'sleep' }
  | { readonly is: 'freshness'; readonly state: 'live' | 'stale' }
  | { readonly is: 'refresh' }
  | { readonly is: 'clear' };

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      is: fc.constant('event' as const),
      kind: fc.constantFrom('equity' as const, 'equity' as const, 'alert' as const, 'status' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('burst' as const), count: fc.integer({ min: 2, max: 12 }) }) },
  { weight: 1, arbitrary: fc.constant({ is: 'rewind' as const }) },
  {
    weight: 12,
    arbitrary: fc.record({
      is: fc.constant('deliver' as const),
      how: fc.constantFrom('once' as const, 'once' as const, 'once' as const, 'twice' as const, 'never' as const),
      conflates: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ is: 'cut' as const }) },
  { weight: 3, arbitrary: fc.record({ is: fc.constant('pass' as const), ms: fc.constantFrom(10, 700, 5_000) }) },
  { weight: 1, arbitrary: fc.constant({ is: 'sleep' as const }) },
  {
    weight: 1,
    arbitrary: fc.record({
      is: fc.constant('freshness' as const),
      state: fc.constantFrom('live' as const, 'stale' as const),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ is: 'refresh' as const }) },
  { weight: 1, arbitrary: fc.constant({ is: 'clear' as const }) },
);

/** A ring this short is often overtaken, so that snapshots are owed as well. */
const RING = { frames: 8, bytes: 64 * 1024 };

class Meeting {
  readonly world = new ClientWorld();
  readonly room = new RoomUnderTest(RING);
  readonly page = new PageUnderTest(this.world, {}, this.room.history);
  readonly faults: string[] = [];
  #member: { readonly of: WireUnderTest; readonly member: MemberUnderTest; joins: number } | undefined;
  /** What is being said, and the cursor before it. */
  #saying: { readonly prev: number; readonly cursor: Cursor | null } | undefined;
  readonly leave: () => void;

  constructor() {
    this.room.state();
    this.room.live();
    const stop = this.page.handle.onEvent(({ body: { epoch, sequence } }) => {
      const { cursor, prev } = this.#saying ?? { cursor: null, prev: 0 };
      const isExact = cursor?.epoch === epoch && prev <= cursor.sequence && cursor.sequence < sequence;
      if (!isExact) this.faults.push(`handled ${epoch}/${sequence} after ${prev}, at ${JSON.stringify(cursor)}`);
    });
    this.leave = () => {
      stop();
      this.page.leave();
    };
  }

  publish(fact: Fact): void {
    this.room.event(fact);
    this.room.state();
  }

  /** The gateway answers what was asked, then sends what is due; the wire does with each message as it likes. */
  async deliver(how: 'once' | 'twice' | 'never', conflates: boolean, count = 3): Promise<void> {
    const wire = this.world.wires.at(-1);
    if (wire === undefined || wire.isClosed) return;
    this.#answer(wire);
    if (this.#member?.of !== wire) return;
    for (const message of this.#member.member.pull({ count, conflates })) {
      const isEvent = /updated|changed|alert/.test(message.name);
      for (let times = isEvent ? TIMES[how] : 1; times > 0; times -= 1) await this.#say(wire, message);
    }
    this.#check();
  }

  async heal(): Promise<void> {
    this.room.live();
    for (let round = 0; round < 8; round += 1) {
      await this.world.advance(4_000);
      await this.deliver('once', false, 100);
      this.world.wires.at(-1)?.beat();
    }
  }

  async #say(wire: WireUnderTest, { name, body, bridge }: Message): Promise<void> {
    const prev = bridge?.prev_sequence ?? (body['sequence'] as number) - 1;
    this.#saying = { prev, cursor: this.page.view.cursor };
    wire.say(name, body, ...(bridge === undefined ? [] : [bridge]));
    await this.world.settle();
  }

  #answer(wire: WireUnderTest): void {
    const joins = wire.joins.length;
    if (joins === 0) return;
    const { cursor } = wire.joins.at(-1) as JoinChallenge;
    if (this.#member?.of !== wire) this.#member = { of: wire, member: this.room.join({ cursor }), joins };
    else if (this.#member.joins < joins) {
      if (joins - this.#member.joins > 1) this.faults.push('joined again before the first join was answered');
      this.#member.joins = joins;
      this.#member.member.member.rejoin({ cursor, history: 0 });
    } else return;
    wire.lastJoin.answer({ ok: true });
  }

  #check(): void {
    const { view } = this.page;
    const { epoch, sequence } = this.room.history.cursor;
    if (view.cursor !== null && view.cursor.epoch === epoch && view.cursor.sequence > sequence)
      this.faults.push('the cursor is beyond the history');
    if (view.isStale === (view.connection.is === 'live') && view.snapshot !== null)
      this.faults.push('stale and live at once');
    const equity = view.equityData as EquityUpdated | null;
    if (equity?.sequence !== undefined && view.cursor !== null && equity.sequence > view.cursor.sequence)
      this.faults.push('an equity beyond the cursor');
  }
}
const TIMES = { once: 1, twice: 2, never: 0 };

async function take(meeting: Meeting, step: Step): Promise<void> {
  const { world, room, page } = meeting;
  switch (step.is) {
    case 'event':
      return meeting.publish(room.history[step.kind]());
    case 'burst':
      for (let count = 0; count < step.count; count += 1) meeting.publish(room.history.equity());
      return;
    case 'rewind':
      room.history.rewind();
      return meeting.publish(room.history.equity());
    case 'deliver':
      return meeting.deliver(step.how, step.conflates);
    case 'cut':
      if (world.wires.at(-1)?.isClosed === false) world.wire.cut();
      return world.settle();
    case 'pass':
      return world.advance(step.ms);
    case 'sleep':
      return world.sleep(60_000);
    case 'freshness':
      room.standings.set(0, { state: step.state, asOf: '2026-11-25T10:00:00Z' });
      return room.room.tell();
    case 'refresh':
      void page.handle.refresh();
      return;
    case 'clear':
      return page.handle.clearAlerts();
  }
}

describe('a client and its gateway, over any history', () => {
  it('handles each event once and in order, and ends live with the last figure', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { maxLength: 60 }), async (script) => {
        const meeting = new Meeting();
        await meeting.world.settle();
        for (const step of script) await take(meeting, step);
        const { page, room } = meeting;
        const last = room.history.equity();
        meeting.publish(last);
        await meeting.heal();
        expect(meeting.faults).toEqual([]);
        expect(page.view.cursor).toEqual(room.history.cursor);
        expect(page.view.connection).toEqual({ is: 'live' });
        expect(page.view.equityData?.current_equity).toBe((last.body as EquityUpdated).current_equity);
        meeting.leave();
        await meeting.world.advance(60_000);
        expect(meeting.world.openWires).toEqual([]);
        expect(meeting.world.pendingTimers).toBe(0);
      }),
      { numRuns: 150 },
    );
  }, 30_000);
});
