import { CHALLENGE_PARTITIONS } from '@tradesense/contracts';
import { partitionOf } from '@tradesense/kafka';
import { turn } from '@tradesense/platform';

import { storedAtMs } from '../../../../services/gateway/src/frame/index.js';
import { Rooms, type Ring, type Room } from '../../../../services/gateway/src/rooms/index.js';
import { aUserId, History } from '../../../support/facts.js';
import { Counted, eventFrom, stateFrom } from '../../../support/gateway-facts.js';
import { framesOf } from '../../../support/gateway-invariants.js';
import { inShort, MemberUnderTest } from '../../../support/gateway-room.js';
import { until } from '../../../support/until.js';

const WAIT_MS = 200;

const roomsOf = (ringBytes = 1024 * 1024): Rooms => new Rooms({ signals: new Counted(), ringBytes });

/** A room of this history with so many frames, stored a second apart. */
function fill(rooms: Rooms, history: History, frames: number, fromMs = 0): void {
  for (let count = 0; count < frames; count += 1) rooms.event(eventFrom(history.alert(), fromMs + count * 1_000));
  rooms.state(stateFrom(history.state()));
}
const ringOf = async (rooms: Rooms, { challengeId, userId }: History) =>
  (await rooms.owned(challengeId, userId, WAIT_MS))?.ring;
const oldestOf = (ring: Ring | undefined): number | undefined => ring && framesOf(ring).map(storedAtMs)[0];

describe('a challenge that somebody wants to join', () => {
  it('is given to its owner at once', async () => {
    const rooms = roomsOf();
    const history = new History();
    rooms.state(stateFrom(history.state()));
    expect(await rooms.owned(history.challengeId, history.userId, 0)).toBeDefined();
  });

  it('and that is not known yet is awaited', async () => {
    const rooms = roomsOf();
    const history = new History();
    const asked = rooms.owned(history.challengeId, history.userId, 5_000);
    rooms.state(stateFrom(history.state()));
    expect((await asked)?.owner).toBe(history.userId);
  });

  it('is refused after the same time whether it is foreign or does not exist', async () => {
    const rooms = roomsOf();
    const foreign = new History();
    rooms.state(stateFrom(foreign.state()));
    const tookMs = async (history: History): Promise<number> => {
      const beganMs = performance.now();
      expect(await rooms.owned(history.challengeId, aUserId(), WAIT_MS)).toBeUndefined();
      return performance.now() - beganMs;
    };
    const [known, unknown] = await Promise.all([tookMs(foreign), tookMs(new History())]);
    expect(Math.min(known, unknown)).toBeGreaterThanOrEqual(WAIT_MS - 2);
    expect(Math.abs(known - unknown)).toBeLessThan(WAIT_MS / 2);
  });
});

describe('all rings together', () => {
  it('hold what they may; when it is too much the oldest frames go, of whatever room', async () => {
    const rooms = roomsOf(90_000);
    const old = new History();
    const young = new History();
    fill(rooms, old, 100, 0);
    fill(rooms, young, 100, 60_000);
    await until(() => rooms.ringBytes <= 90_000, Boolean, { what: 'the oldest are gone' });
    const [oldRing, youngRing] = [await ringOf(rooms, old), await ringOf(rooms, young)];
    expect([oldRing?.head, youngRing?.head]).toEqual([100, 100]);
    const oldest = Math.min(...[oldRing, youngRing].map((ring) => oldestOf(ring) ?? Infinity));
    expect(oldest).toBeGreaterThan(0);
    // Nobody kept anything from before the time from which others lost nothing.
    expect((oldestOf(oldRing) ?? 0) - (oldestOf(youngRing) ?? 0)).toBeLessThan(60_000);
    expect(youngRing?.length).toBeGreaterThan(oldRing?.length ?? Infinity);
  });

  it('give up no more than they have to, to the second, where each holds one small frame too', async () => {
    const rooms = roomsOf(200 * 1024);
    for (let second = 0; second < 240; second += 1) fill(rooms, new History(), 1, second * 1_000);
    await until(() => rooms.ringBytes <= 170 * 1024, Boolean, { what: 'the oldest are gone' });
    expect(rooms.ringBytes).toBe(170 * 1024);
  });

  it('lose what is older than 15 minutes, also where nothing happens any more', async () => {
    const rooms = roomsOf();
    const histories = Array.from({ length: 2_500 }, () => new History());
    for (const history of histories) fill(rooms, history, 1, 1_000);
    const nowMs = 1_000 + 15 * 60_000;
    for (let sweeps = 0; sweeps < 4; sweeps += 1) rooms.sweep(nowMs);
    expect(rooms.ringBytes).toBeGreaterThan(0);
    for (let sweeps = 0; sweeps < 4; sweeps += 1) rooms.sweep(nowMs + 1);
    expect(rooms.ringBytes).toBe(0);
    expect((await ringOf(rooms, histories[0]!))?.head).toBe(1);
  });
});

describe('a tombstone', () => {
  it('takes the challenge out of memory', () => {
    const rooms = roomsOf();
    const history = new History();
    fill(rooms, history, 10);
    rooms.tombstone(history.challengeId);
    expect([rooms.size, rooms.ringBytes]).toEqual([0, 0]);
  });

  it('of a challenge that somebody looks at takes it out once nobody does and its frames are old', async () => {
    const rooms = roomsOf();
    const history = new History();
    fill(rooms, history, 10, 1_000);
    const room = (await rooms.owned(history.challengeId, history.userId, 0))!;
    const member = { news: () => undefined, evicted: () => undefined, isOwed: false };
    room.enter(member);
    rooms.tombstone(history.challengeId);
    const later = 60 * 60_000;
    for (let sweeps = 0; sweeps < 3; sweeps += 1) rooms.sweep(later);
    expect(rooms.size).toBe(1);
    room.leave(member);
    for (let sweeps = 0; sweeps < 3; sweeps += 1) rooms.sweep(later);
    expect(rooms.size).toBe(0);
  });

  it('is what it takes: a challenge with a state stays, however old', () => {
    const rooms = roomsOf();
    fill(rooms, new History(), 10, 1_000);
    for (let sweeps = 0; sweeps < 3; sweeps += 1) rooms.sweep(60 * 60_000);
    expect(rooms.size).toBe(1);
  });
});

describe('an event that can not be passed on', () => {
  it('is missed by its challenge also if that was not known yet', async () => {
    const rooms = roomsOf();
    const history = new History();
    const opened = stateFrom(history.state());
    history.alert(); // spoilt
    rooms.spoilt(history.challengeId, opened.partition);
    rooms.state(opened);
    rooms.state(stateFrom(history.state()));
    expect((await ringOf(rooms, history))?.base).toBe(1);
  });
});

describe('events that a state speaks of and that never come, though nobody lost them', () => {
  it('are given up when a watermark is past them and the room is swept', async () => {
    const rooms = roomsOf();
    const history = new History();
    history.alert();
    const state = stateFrom(history.state());
    rooms.state(state);
    const stand = (asOfMs: number): void =>
      rooms.stand(state.partition, { state: 'live', asOf: new Date(asOfMs).toISOString() });
    stand(Date.now());
    const room = await rooms.owned(history.challengeId, history.userId, 0);
    const member = new MemberUnderTest(room!, { cursor: { ...history.cursor, sequence: 0 }, history: 0 });
    expect(member.pull().map(inShort)).toEqual(['joined recovered', 'live']);
    stand(Date.now() + 60_000);
    rooms.sweep(0);
    expect(member.isAwake).toBe(true);
    expect(member.pull().map(inShort)).toEqual(['snapshot 1 too_old']);
  });
});

describe('a loss of events', () => {
  it('puts all rooms of that partition in doubt, and no others', async () => {
    const signals = new Counted();
    const rooms = new Rooms({ signals, ringBytes: 1024 * 1024 });
    const histories = Array.from({ length: 40 }, () => new History());
    for (const history of histories) {
      fill(rooms, history, 1);
      history.alert(); // lost
      rooms.state(stateFrom(history.state()));
    }
    const lost = partitionOf(histories[0]!.challengeId, CHALLENGE_PARTITIONS);
    rooms.lost(lost);
    await until(() => signals.of('gap doubt') > 0, Boolean, { what: 'they have looked' });
    await turn();
    const found = await Promise.all(histories.map(({ challengeId, userId }) => rooms.owned(challengeId, userId, 0)));
    for (const room of found) expect(room?.head?.sequence).toBe(room?.partition === lost ? 2 : 1);
    expect(found[0]?.partition).toBe(lost);
  });

  it('concerns a challenge that is first heard of within a minute after it', async () => {
    const rooms = roomsOf();
    const baseAfterLoss = async (history: History): Promise<number | undefined> => {
      rooms.state(stateFrom(history.state()));
      history.alert(); // perhaps among those that were lost
      rooms.state(stateFrom(history.state()));
      return (await ringOf(rooms, history))?.base;
    };
    const [first, second] = [new History(), new History()];
    for (let partition = 0; partition < CHALLENGE_PARTITIONS; partition += 1) rooms.lost(partition);
    expect(await baseAfterLoss(first)).toBe(1);
    for (let sweeps = 0; sweeps < 60; sweeps += 1) rooms.sweep(0);
    expect(await baseAfterLoss(second)).toBeUndefined();
  });
});

describe('what concerns many rooms', () => {
  const ROOMS = 240;
  const TURNS = ROOMS / 5 - 1;
  const LIVE = { state: 'live', asOf: '2026-11-25T10:00:00Z' } as const;
  const STALE = { ...LIVE, state: 'stale', reason: 'behind' } as const;

  /** So many rooms of partition 0, on a clock by which each takes a millisecond. */
  class Crowd {
    #ms = 0;
    readonly signals = new Counted();
    readonly rooms: Rooms;
    readonly histories = Array.from({ length: ROOMS }, () => new History());
    /** What each member was told last. */
    readonly told = new Map<number, string>();

    constructor(ringBytes = 16 * 1024 * 1024) {
      this.rooms = new Rooms({
        signals: this.signals,
        ringBytes,
        clock: { now: Date.now, monotonicMs: () => (this.#ms += 1) },
      });
      this.rooms.stand(0, LIVE);
      for (const history of this.histories) {
        this.event(history);
        this.state(history);
      }
    }

    event(history: History, storedAtMs = 0): void {
      this.rooms.event({ ...eventFrom(history.alert(), storedAtMs), partition: 0 });
    }
    state(history: History): void {
      this.rooms.state({ ...stateFrom(history.state()), partition: 0 });
    }
    async room(index: number): Promise<Room> {
      const { challengeId, userId } = this.histories[index]!;
      return (await this.rooms.owned(challengeId, userId, 0))!;
    }
    async join(index: number): Promise<void> {
      const room = await this.room(index);
      const look = (): void => void this.told.set(index, room.standing.state);
      look();
      room.enter({ news: look, evicted: () => undefined, isOwed: false });
    }
    async joinAll(): Promise<void> {
      for (const index of this.histories.keys()) await this.join(index);
      await this.quiet();
    }
    get lastToldLive(): number {
      return [...this.told.values()].filter((state) => state === 'live').length;
    }
    /** Nothing has happened for a while. */
    async quiet(): Promise<void> {
      for (let turns = 0; turns < 2 * ROOMS; turns += 1) await turn();
    }
  }
  /** How many turns of the event loop others have until it is so. */
  async function turnsUntil(isSo: () => boolean): Promise<number> {
    for (let turns = 0; turns < 10 * ROOMS; turns += 1) {
      if (isSo()) return turns;
      await turn();
    }
    throw new Error('it never is');
  }

  it.each([
    ['a partition that is stale', (rooms: Rooms) => rooms.stand(0, STALE)],
    ['parked challenges', (rooms: Rooms) => rooms.park('many')],
  ])('%s, is told with turns for others in between', async (_, happen) => {
    const crowd = new Crowd();
    await crowd.joinAll();
    happen(crowd.rooms);
    expect(await turnsUntil(() => crowd.lastToldLive === 0)).toBeGreaterThanOrEqual(TURNS);
  });

  it('a partition that is live again meanwhile, is live in the end for everybody, also for who joins meanwhile', async () => {
    const crowd = new Crowd();
    for (const index of crowd.histories.keys()) if (index % 2 === 0) await crowd.join(index);
    await crowd.quiet();
    crowd.rooms.stand(0, STALE);
    await turnsUntil(() => crowd.lastToldLive === ROOMS / 4);
    await crowd.join(1);
    await crowd.join(ROOMS - 1);
    expect([crowd.told.get(1), crowd.told.get(ROOMS - 1)]).toEqual(['stale', 'stale']);
    crowd.rooms.stand(0, LIVE);
    await turnsUntil(() => crowd.lastToldLive === ROOMS / 2 + 2);
    await crowd.quiet();
    expect(crowd.lastToldLive).toBe(ROOMS / 2 + 2);
  });

  it('a room that is deleted or comes meanwhile, does no harm', async () => {
    const crowd = new Crowd();
    await crowd.join(ROOMS - 1);
    crowd.rooms.stand(0, STALE);
    await turn();
    for (const { challengeId } of crowd.histories.slice(10, -1)) crowd.rooms.tombstone(challengeId);
    crowd.histories.push(new History());
    crowd.event(crowd.histories[ROOMS]!);
    await crowd.join(ROOMS);
    await turnsUntil(() => crowd.lastToldLive === 0);
    expect(crowd.rooms.size).toBe(12);
  });

  it('a loss, is looked for in turns; until then no room that may lack something is live', async () => {
    const crowd = new Crowd();
    for (const history of crowd.histories) {
      history.alert(); // lost
      crowd.state(history);
    }
    await crowd.joinAll();
    crowd.rooms.lost(0);
    for (const index of crowd.histories.keys()) expect((await crowd.room(index)).standing.state).toBe('stale');
    expect(await turnsUntil(() => crowd.signals.of('gap doubt') === ROOMS)).toBeGreaterThanOrEqual(TURNS);
    expect(crowd.lastToldLive).toBe(ROOMS);
  });

  it('a loss, does not concern a room whose next event comes before its turn does', async () => {
    const crowd = new Crowd();
    crowd.rooms.lost(0);
    const last = crowd.histories.at(-1)!;
    crowd.event(last);
    await crowd.quiet();
    const ahead = last.alert(); // under way: its state is quicker
    crowd.state(last);
    expect((await crowd.room(ROOMS - 1)).standing.state).toBe('live');
    crowd.rooms.event({ ...eventFrom(ahead), partition: 0 });
    expect([crowd.signals.of('gap doubt'), (await crowd.room(ROOMS - 1)).head?.sequence]).toEqual([0, 3]);
  });

  it('rings that are too full, are emptied with turns for others in between, and never hold too much', async () => {
    const limit = 4_000_000;
    const crowd = new Crowd(limit);
    const isFull = (): boolean => crowd.rooms.ringBytes > 0.95 * limit;
    const events = Array.from({ length: 40 * ROOMS }, (_, index) => index);
    let [most, turns] = [0, 0];
    for (const index of events) {
      crowd.event(crowd.histories[index % ROOMS]!, 1_000 * Math.floor(index / ROOMS));
      most = Math.max(most, crowd.rooms.ringBytes);
      if (!isFull()) continue;
      turns += 1;
      await turn();
    }
    expect(turns).toBeGreaterThanOrEqual(TURNS);
    expect(most).toBeLessThanOrEqual(limit);
    await crowd.quiet();
    expect(isFull()).toBe(false);
    expect(crowd.rooms.ringBytes).toBeGreaterThan(0.75 * limit);
  });

  it('heads, are listed with turns for others in between', async () => {
    const crowd = new Crowd();
    let isOver = false;
    const listed = crowd.rooms.heads('', 1_000).finally(() => (isOver = true));
    expect(await turnsUntil(() => isOver)).toBeGreaterThanOrEqual(TURNS);
    expect((await listed).map(({ challenge_id }) => challenge_id)).toEqual(
      crowd.histories.map(({ challengeId }) => String(challengeId)).sort(),
    );
  });
});
