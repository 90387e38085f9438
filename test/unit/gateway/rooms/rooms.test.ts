import { CHALLENGE_PARTITIONS } from '@tradesense/contracts';
import { partitionOf } from '@tradesense/kafka';

import { Rooms } from '../../../../services/gateway/src/rooms/index.js';
import { aUserId, History } from '../../../support/facts.js';
import { Counted, eventFrom, stateFrom } from '../../../support/gateway-facts.js';

const WAIT_MS = 200;

const roomsOf = (ringBytes = 1024 * 1024): Rooms => new Rooms({ signals: new Counted(), ringBytes });

/** A room of this history with so many frames, stored a second apart. */
function fill(rooms: Rooms, history: History, frames: number, fromMs = 0): void {
  for (let count = 0; count < frames; count += 1) rooms.event(eventFrom(history.alert(), fromMs + count * 1_000));
  rooms.state(stateFrom(history.state()));
}
const ringOf = async (rooms: Rooms, { challengeId, userId }: History) =>
  (await rooms.owned(challengeId, userId, WAIT_MS))?.ring;

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
    const rooms = roomsOf(130_000);
    const old = new History();
    const young = new History();
    fill(rooms, old, 100, 0);
    fill(rooms, young, 100, 60_000);
    expect(rooms.ringBytes).toBeLessThanOrEqual(130_000);
    const [oldRing, youngRing] = [await ringOf(rooms, old), await ringOf(rooms, young)];
    expect([oldRing?.head, youngRing?.head]).toEqual([100, 100]);
    const oldest = Math.min(...[oldRing, youngRing].map((ring) => ring?.at(0)?.storedAtMs ?? Infinity));
    expect(oldest).toBeGreaterThan(0);
    // Nobody kept anything from before the time from which others lost nothing.
    expect((oldRing?.at(0)?.storedAtMs ?? 0) - (youngRing?.at(0)?.storedAtMs ?? 0)).toBeLessThan(60_000);
    expect(youngRing?.length).toBeGreaterThan(oldRing?.length ?? Infinity);
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

describe('a loss of events', () => {
  it('puts all rooms of that partition in doubt, and no others', async () => {
    const rooms = roomsOf();
    const histories = Array.from({ length: 40 }, () => new History());
    for (const history of histories) {
      fill(rooms, history, 1);
      history.alert(); // lost
      rooms.state(stateFrom(history.state()));
    }
    const lost = partitionOf(histories[0]!.challengeId, CHALLENGE_PARTITIONS);
    rooms.lost(lost);
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
