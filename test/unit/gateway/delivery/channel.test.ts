import { setImmediate as turn } from 'node:timers/promises';

import { Channel, Pump, WINDOW, type EndReason, type Pipe } from '../../../../services/gateway/src/delivery/index.js';
import { textOf, type Packet } from '../../../../services/gateway/src/frame/index.js';
import { Member } from '../../../../services/gateway/src/rooms/index.js';
import { RoomUnderTest } from '../../../support/gateway-room.js';

const KIB = 1024;

/** A pipe that remembers what went into it, and a channel at its end. */
class Line implements Pipe {
  isWritable = true;
  readonly written: Packet[] = [];
  writes = 0;
  pings = 0;
  endedBy: EndReason | undefined;
  collapsed = 0;
  nowMs = 0;
  readonly gone: Member[] = [];
  readonly channel: Channel;

  constructor() {
    const none = () => undefined;
    const signals = {
      wrote: none,
      frame: none,
      joined: none,
      snapshot: none,
      shut: none,
      collapsed: (frames: number) => (this.collapsed += frames),
    };
    this.channel = new Channel(this, new Pump(() => this.nowMs), signals, 0, 0);
  }

  write(packets: readonly Packet[], asks: boolean): void {
    this.writes += 1;
    this.written.push(...packets);
    this.channel.wrote(
      packets.reduce((sum, { wire }) => sum + wire.length, 0),
      this.nowMs,
    );
    if (asks) this.ping();
    setImmediate(() => this.channel.resume()); // as a transport that is ready again
  }
  ping(): void {
    this.pings += 1;
    this.channel.pinged(this.nowMs);
  }
  end(reason: EndReason): void {
    this.endedBy = reason;
  }
  evicted(member: Member): void {
    this.gone.push(member);
  }

  /** A member of the room, at its head already. */
  member({ room }: RoomUnderTest): Member {
    const member = new Member(room, this.channel, { cursor: room.known, history: 0 });
    room.enter(member);
    member.news();
    return member;
  }
  pong(): void {
    this.channel.ponged(this.nowMs);
  }
  /** Lets pulls happen that are due in this turn of the loop, and all that follow from them. */
  async settle(): Promise<void> {
    for (let round = 0; round < 10; round += 1) await turn();
  }
  sequences(): number[] {
    return this.written
      .map((packet) => JSON.parse(textOf(packet).slice(1)) as [string, { sequence: number }])
      .filter(([name]) => name === 'equity_updated' || name === 'risk_alert')
      .map(([, body]) => body.sequence);
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

function liveRoom(): RoomUnderTest {
  const under = new RoomUnderTest();
  under.trade();
  under.live();
  return under;
}

describe('a channel', () => {
  it('writes what came in one turn of the loop in one piece', async () => {
    const line = new Line();
    const under = liveRoom();
    line.member(under);
    await line.settle();
    line.writes = 0;
    for (let count = 0; count < 5; count += 1) under.event(under.history.equity());
    expect(line.writes).toBe(0);
    await line.settle();
    expect(line.writes).toBe(1);
    expect(line.sequences()).toEqual(range(2, 6));
  });

  it('writes nothing that would not go out at once, and all of it when it does (S9)', async () => {
    const line = new Line();
    const under = liveRoom();
    line.member(under);
    await line.settle();
    line.isWritable = false;
    for (let count = 0; count < 5; count += 1) under.event(under.history.equity());
    await line.settle();
    expect(line.sequences()).toEqual([]);
    line.isWritable = true;
    line.channel.resume();
    await line.settle();
    expect(line.sequences()).toEqual(range(2, 6));
  });

  it('has at most 64 KiB on its way, asks behind the last byte, and goes on at the pong, every frame in order', async () => {
    const line = new Line();
    const under = liveRoom();
    line.member(under);
    await line.settle();
    for (let count = 0; count < 200; count += 1) under.event(under.history.equity());
    await line.settle();
    const before = line.sequences().length;
    expect(line.channel.isShut).toBe(true);
    expect(line.channel.unackedBytes).toBeLessThanOrEqual(WINDOW.bytes);
    expect(line.channel.unackedBytes).toBeGreaterThan(WINDOW.bytes - 2 * KIB);
    await line.settle();
    expect(line.sequences()).toHaveLength(before); // not before a pong
    while (line.pings > 0) {
      line.pings -= 1;
      line.pong();
      await line.settle();
    }
    expect(line.sequences()).toEqual(range(2, 201));
    expect(line.collapsed).toBe(0);
  });

  it('collapses only once it was shut for more than a second, and until it has caught up', async () => {
    const line = new Line();
    const under = liveRoom();
    line.member(under);
    await line.settle();
    const flood = (count: number) => {
      for (let done = 0; done < count; done += 1) under.event(under.history.equity());
    };
    const answerAll = async () => {
      while (line.pings > 0) {
        line.pings -= 1;
        line.pong();
        await line.settle();
      }
    };
    flood(140);
    await line.settle();
    flood(60);
    line.nowMs = 900;
    await answerAll();
    expect([line.collapsed, line.sequences().at(-1)]).toEqual([0, 201]);

    flood(140);
    await line.settle();
    expect(line.channel.isShut).toBe(true);
    const reached = line.sequences().at(-1) as number;
    flood(60);
    line.nowMs = 3_000;
    await answerAll();
    expect(line.sequences().slice(-1)).toEqual([401]);
    expect(line.collapsed).toBeGreaterThan(0);
    expect(line.sequences().at(-2)).toBe(reached);
    const collapsed = line.collapsed;
    flood(3);
    await line.settle();
    expect(line.sequences().slice(-3)).toEqual([402, 403, 404]);
    expect(line.collapsed).toBe(collapsed);
  });

  it('gives its members turns: a busy room does not keep a quiet one waiting', async () => {
    const line = new Line();
    const busy = liveRoom();
    const quiet = liveRoom();
    line.member(busy);
    line.member(quiet);
    await line.settle();
    line.written.length = 0;
    for (let count = 0; count < 100; count += 1) busy.event(busy.history.equity());
    quiet.event(quiet.history.alert());
    await line.settle();
    const names = line.written.map((packet) => textOf(packet).slice(0, 15));
    expect(names.indexOf('2["risk_alert",')).toBeLessThan(20);
  });

  it('ends for a pong that nobody asked for, and for a window that stays shut for 30 s', async () => {
    const forger = new Line();
    forger.pong();
    expect(forger.endedBy).toBe('forged_pong');

    const stopped = new Line();
    const under = liveRoom();
    stopped.member(under);
    await stopped.settle();
    for (let count = 0; count < 200; count += 1) under.event(under.history.equity());
    await stopped.settle();
    stopped.channel.sweep(30_000);
    expect(stopped.endedBy).toBeUndefined();
    stopped.channel.sweep(30_001);
    expect(stopped.endedBy).toBe('unread');
    under.trade();
    const { length } = stopped.written;
    await stopped.settle();
    expect(stopped.written).toHaveLength(length);
  });

  it('pings an idle peer every 10 s, and ends when it does not answer for 5 s', () => {
    const line = new Line();
    for (const seconds of [5, 9.9]) line.channel.sweep(seconds * 1_000);
    expect(line.pings).toBe(0);
    line.nowMs = 10_000;
    line.channel.sweep(line.nowMs);
    expect(line.pings).toBe(1);
    line.channel.sweep(15_000);
    expect(line.endedBy).toBeUndefined();
    line.channel.sweep(15_001);
    expect(line.endedBy).toBe('unanswered');
  });

  it('sends an evicted member nothing more', async () => {
    const line = new Line();
    const under = liveRoom();
    const member = line.member(under);
    await line.settle();
    line.written.length = 0;
    under.event(under.history.equity());
    under.history.userId = 'new-owner' as typeof under.history.userId;
    under.event(under.history.equity());
    await line.settle();
    expect(line.gone).toEqual([member]);
    expect(line.written).toEqual([]);
  });
});
