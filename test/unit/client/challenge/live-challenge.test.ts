import { ClientWorld } from '../../../support/client-world.js';
import { PageUnderTest, tokenOf } from '../../../support/page.js';

let world: ClientWorld;
beforeEach(() => (world = new ClientWorld()));

const live = (): Promise<PageUnderTest> => new PageUnderTest(world).goLive();

describe('a challenge on its way to live', () => {
  it('connects, joins without a cursor, and is live once the gateway says so', async () => {
    const page = new PageUnderTest(world);
    expect(page.view.connection.is).toBe('connecting');
    await world.settle();
    expect(page.view.connection.is).toBe('joining');
    expect(world.wire.joins).toEqual([{ challenge_id: page.history.challengeId }]);
    page.joined();
    expect(page.view).toMatchObject({ connection: { is: 'joining' }, isConnected: true, isStale: true });
    page.fresh();
    expect(page.view).toMatchObject({ connection: { is: 'live' }, isConnected: true, isStale: false, error: null });
    expect(page.view.equityData).toEqual(page.state().equity);
  });

  it('is stale, with the gateway`s reason and time, while events are late', async () => {
    const page = await live();
    page.fresh('stale', 'watermark_old', '2026-11-25T09:59:00.000Z');
    expect(page.view).toMatchObject({
      connection: { is: 'stale', why: 'watermark_old' },
      isConnected: true,
      isStale: true,
      asOf: '2026-11-25T09:59:00.000Z',
    });
    page.fresh();
    expect(page.view.connection).toEqual({ is: 'live' });
  });

  it('says stale and not live where freshness is unknown', async () => {
    const page = await live();
    page.fresh('unknown');
    expect(page.view.connection).toMatchObject({ is: 'stale', why: 'unknown' });
  });

  it('is catching up until the last event that the gateway knew at the join has come', async () => {
    const page = await live();
    world.wire.cut();
    await world.advance(30_000);
    const missed = [page.history.equity(), page.history.equity()] as const;
    page.joined({ recovered: true });
    page.fresh();
    expect(page.view.connection).toMatchObject({ is: 'stale', why: 'catching_up' });
    page.tell(missed[0]);
    expect(page.view.connection).toMatchObject({ is: 'stale', why: 'catching_up' });
    page.tell(missed[1]);
    expect(page.view.connection).toEqual({ is: 'live' });
  });

  it('waits for the snapshot that is owed, and drops events before it', async () => {
    const page = new PageUnderTest(world);
    await world.settle();
    page.joined({ recovered: false, reason: 'behind' });
    page.fresh();
    page.trade();
    expect(page.view).toMatchObject({ connection: { is: 'stale', why: 'behind' }, equityData: null });
    world.wire.say('snapshot', { ...page.state(), reason: 'behind', state: page.state() });
    expect(page.view.connection).toEqual({ is: 'live' });
  });
});

describe('events of a live challenge', () => {
  it('are handled once, in order, with one notification each', async () => {
    const page = await live();
    page.notified = 0;
    const facts = [page.history.equity(), page.history.alert(), page.history.status()];
    for (const fact of [...facts, ...facts]) page.tell(fact);
    expect(page.handled).toEqual([1, 2, 3]);
    expect(page.notified).toBe(3);
    expect(page.view.equityData).toBe(facts[0]?.body);
    expect(page.view.riskAlerts).toEqual([facts[1]?.body]);
    expect(page.view.statusData).toBe(facts[2]?.body);
  });

  it('leave the parts they do not change as they were', async () => {
    const page = await live();
    page.tell(page.history.alert());
    const before = page.view;
    page.trade();
    expect(page.view.riskAlerts).toBe(before.riskAlerts);
    expect(page.view.snapshot).toBe(before.snapshot);
    expect(page.view.connection).toBe(before.connection);
  });

  it('may stand in for older ones', async () => {
    const page = await live();
    page.history.equity();
    page.history.equity();
    page.tell(page.history.equity(), { prev_sequence: 0 });
    expect(page.handled).toEqual([3]);
    expect(world.wire.joins).toHaveLength(1);
  });

  it('make it join again from its cursor when one is missing, once, and stale meanwhile', async () => {
    const page = await live();
    page.trade();
    const lost = page.history.equity();
    const next = [page.history.equity(), page.history.equity()];
    for (const fact of next) page.tell(fact);
    expect(page.view.connection).toMatchObject({ is: 'stale', why: 'gap' });
    expect(world.wire.joins.slice(1)).toEqual([
      { challenge_id: page.history.challengeId, cursor: { ...page.history.cursor, sequence: 1 } },
    ]);
    page.joined({ recovered: true });
    page.fresh();
    for (const fact of [lost, ...next]) page.tell(fact);
    expect(page.handled).toEqual([1, 2, 3, 4]);
    expect(page.view.connection).toEqual({ is: 'live' });
  });

  it('that can not be continued do not make it join in a tight loop', async () => {
    const page = await live();
    page.history.equity();
    for (let round = 0; round < 50; round += 1) {
      page.tell(page.history.equity());
      page.joined({ recovered: true });
    }
    expect(world.wire.joins.length).toBeLessThanOrEqual(3);
    await world.advance(60_000);
    expect(world.wire.joins.length).toBeLessThan(10);
  });

  it('of another epoch make it join again, and the snapshot forgets what may never have happened', async () => {
    const page = await live();
    page.tell(page.history.alert());
    page.tell(page.history.status());
    page.history.rewind();
    page.trade();
    expect(page.handled).toEqual([1, 2]);
    page.joined({ recovered: false, reason: 'epoch', snapshot: page.state() });
    expect(page.view).toMatchObject({ riskAlerts: [], statusData: null, cursor: page.history.cursor });
  });

  it('of the former owner are forgotten when access is revoked', async () => {
    const page = await live();
    page.trade();
    world.wire.say('access_revoked', { challenge_id: page.history.challengeId });
    expect(page.view).toMatchObject({ connection: { is: 'denied' }, equityData: null, snapshot: null, isStale: false });
    page.trade();
    expect(page.view.equityData).toBeNull();
  });

  it('from before the snapshot are told only where history was asked for, each once, moving no figure', async () => {
    const page = new PageUnderTest(world, { history: 50 });
    await world.settle();
    expect(world.wire.joins[0]).toMatchObject({ history: 50 });
    const past = [page.history.equity(), page.history.equity()];
    page.joined();
    const { equityData } = page.view;
    for (const fact of [...past, ...past]) page.tell(fact);
    page.trade();
    expect(page.events.map(({ event, isPast }) => [event.body.sequence, isPast])).toEqual([
      [1, true],
      [2, true],
      [3, false],
    ]);
    expect(page.view.equityData).not.toBe(equityData);
  });
});

describe('leaving and joining in the handler of an event', () => {
  it('handles the event once, and the join it triggers carries that event`s sequence', async () => {
    const page = await live();
    let refreshed: Promise<boolean> | undefined;
    page.handle.onEvent((event) => {
      if (event.body.sequence !== 7) return;
      page.leave();
      page.handle.subscribe(() => undefined);
      refreshed = page.handle.refresh();
    });
    page.handle.onEvent((event) => page.events.push({ event, isPast: false }));
    page.events.length = 0;
    for (let sequence = 1; sequence <= 7; sequence += 1) page.trade();
    expect(world.wire.joins.at(-1)).toMatchObject({ cursor: { sequence: 7 } });
    page.joined({ recovered: true });
    await expect(refreshed).resolves.toBe(true);
    page.trade();
    expect(new Set(page.handled)).toEqual(new Set([1, 2, 3, 4, 5, 6, 7, 8]));
    expect(page.handled.filter((sequence) => sequence === 7)).toHaveLength(2); // two listeners, once each
    expect(world.wire.countOf('leave_challenge')).toBe(0);
  });
});

describe('a join that is refused', () => {
  const forbidden = { ok: false, code: 'forbidden', message: 'Access denied' } as const;

  it('as forbidden is repeated once after 5 s, and the second refusal stands', async () => {
    const page = new PageUnderTest(world);
    await world.settle();
    world.wire.lastJoin.answer(forbidden);
    expect(page.view.connection.is).toBe('joining');
    await world.advance(4_999);
    expect(world.wire.joins).toHaveLength(1);
    await world.advance(1);
    expect(world.wire.joins).toHaveLength(2);
    world.wire.lastJoin.answer(forbidden);
    expect(page.view).toMatchObject({
      connection: { is: 'denied', fault: { code: 'forbidden', retryable: false } },
      error: { code: 'forbidden' },
      isConnected: false,
    });
    await world.advance(600_000);
    expect(world.wire.joins).toHaveLength(2);
  });

  it('is asked again when a person refreshes', async () => {
    const page = new PageUnderTest(world);
    await world.settle();
    world.wire.lastJoin.answer(forbidden);
    await world.advance(5_000);
    world.wire.lastJoin.answer(forbidden);
    const refreshed = page.handle.refresh();
    expect(page.view.connection.is).toBe('joining');
    page.joined();
    page.fresh();
    await expect(refreshed).resolves.toBe(true);
    expect(page.view.connection).toEqual({ is: 'live' });
  });

  it('for the moment is tried again by itself, later and later, and the error goes with it', async () => {
    const page = new PageUnderTest(world);
    await world.settle();
    // With a chance of one half: half of each ceiling.
    for (const [tries, delayMs] of [500, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000].entries()) {
      world.wire.lastJoin.answer({ ok: false, code: 'unavailable', message: 'Not available at the moment' });
      expect(page.view.error).toMatchObject({ code: 'unavailable', retryable: true });
      await world.advance(delayMs - 1);
      expect(world.wire.joins).toHaveLength(tries + 1);
      await world.advance(1);
      expect(world.wire.joins).toHaveLength(tries + 2);
    }
    page.joined();
    page.fresh();
    expect(page.view).toMatchObject({ connection: { is: 'live' }, error: null });
  });

  it('for its shape is final: the same payload would be refused again', async () => {
    const page = new PageUnderTest(world);
    await world.settle();
    world.wire.lastJoin.answer({ ok: false, code: 'invalid_request', message: 'Not of the agreed shape' });
    expect(page.view.connection).toMatchObject({ is: 'denied', fault: { code: 'invalid_request' } });
  });

  it('by silence takes the socket for dead', async () => {
    const page = new PageUnderTest(world);
    await world.settle();
    const first = world.wire;
    await world.advance(10_000);
    expect(first.isClosed).toBe(true);
    expect(page.view.error).toMatchObject({ code: 'no_answer' });
    await world.advance(30_000);
    expect(world.wires.length).toBeGreaterThan(1);
  });
});

describe('a connection that is lost', () => {
  it('keeps the figures, marked as not live, and says since when', async () => {
    const page = await live();
    page.trade();
    world.wire.beat();
    await world.advance(3_000);
    const atMs = world.now();
    world.wire.cut();
    expect(page.view).toMatchObject({
      connection: { is: 'connecting', sinceMs: atMs },
      isConnected: false,
      isStale: true,
      equityData: { current_equity: '10001.00' },
    });
  });

  it('says as of when the figures were whole, not as of when they became live', async () => {
    const page = await live();
    await world.advance(3_600_000);
    world.wire.beat();
    await world.advance(5_000);
    world.wire.cut();
    // Heard an hour after 10:00:00; what was committed in the last 10 s before that may have been missing.
    expect(page.view.asOf).toBe('2026-11-25T10:59:50.000Z');
  });

  it('joins again with the cursor and the time it was away', async () => {
    const page = await live();
    page.trade();
    world.wire.cut();
    world.opens = false;
    await world.advance(4_000);
    world.wire.open();
    await world.settle();
    expect(world.wire.joins).toEqual([
      { challenge_id: page.history.challengeId, cursor: page.history.cursor, reconnect_ms: 4_000 },
    ]);
  });

  it('sends nothing while offline, whatever is asked, and one join afterwards', async () => {
    const page = await live();
    world.opens = false;
    world.wire.cut();
    void page.handle.refresh();
    void page.handle.refresh();
    page.handle.clearAlerts();
    await world.advance(2_000);
    world.opens = true;
    await world.advance(60_000);
    expect(world.openWires).toHaveLength(1);
    expect(world.wire.joins).toHaveLength(1);
  });
});

describe('a page that slept', () => {
  it('is stale at once and joins again with its cursor when nothing was heard for too long', async () => {
    const page = await live();
    page.trade();
    await world.sleep(120_000);
    expect(page.view.connection).toMatchObject({ is: 'stale', why: 'asleep' });
    expect(world.wire.joins.at(-1)).toMatchObject({ cursor: { sequence: 1 } });
    page.joined({ recovered: true });
    page.fresh();
    expect(page.view.connection).toEqual({ is: 'live' });
  });

  it('gives up the socket after 3 s without an answer, and comes back with another', async () => {
    const page = await live();
    await world.sleep(120_000);
    await world.advance(3_000);
    expect(page.view.connection.is).toBe('connecting');
    await world.advance(1_000);
    expect(world.wires).toHaveLength(2);
  });

  it('trusts a socket that was heard a moment ago, but none out of the back/forward cache', async () => {
    const page = await live();
    await world.wake('shown');
    await world.wake('online');
    expect(page.view.connection).toEqual({ is: 'live' });
    await world.wake('restored');
    expect(page.view.connection).toMatchObject({ is: 'stale', why: 'asleep' });
  });

  it('is not asleep while heartbeats come', async () => {
    const page = await live();
    for (let beats = 0; beats < 30; beats += 1) {
      await world.advance(10_000);
      world.wire.beat();
    }
    await world.wake('shown');
    expect(page.view.connection).toEqual({ is: 'live' });
  });
});

describe('refresh', () => {
  it('joins again from the cursor and does not call live figures stale', async () => {
    const page = await live();
    page.trade();
    const refreshed = page.handle.refresh();
    expect(page.view.connection).toEqual({ is: 'live' });
    expect(world.wire.joins.at(-1)).toMatchObject({ cursor: { sequence: 1 } });
    page.joined({ recovered: true });
    await expect(refreshed).resolves.toBe(true);
  });

  it('does not call figures live that a gap has made doubtful', async () => {
    const page = await live();
    page.history.equity();
    page.trade();
    world.wire.lastJoin.answer({ ok: false, code: 'rate_limited', message: 'Too many messages' });
    void page.handle.refresh();
    page.fresh();
    expect(page.view.connection).toMatchObject({ is: 'stale', why: 'gap' });
    page.joined({ recovered: false, reason: 'gap', snapshot: page.state() });
    expect(page.view.connection).toEqual({ is: 'live' });
  });

  it('answers false after 15 s, when nobody looks any more, and where nobody is joined', async () => {
    const page = await live();
    world.opens = false;
    world.wire.cut();
    const late = page.handle.refresh();
    await world.advance(15_000);
    await expect(late).resolves.toBe(false);
    const left = page.handle.refresh();
    page.leave();
    await world.advance(1_000);
    await expect(left).resolves.toBe(false);
    await expect(page.handle.refresh()).resolves.toBe(false);
  });
});

describe('alerts', () => {
  it('come newest first, those still open with the snapshot', async () => {
    const page = new PageUnderTest(world);
    await world.settle();
    const open = page.history.alert().body;
    page.joined({ recovered: false, reason: 'no_cursor', snapshot: { ...page.state(), open_alerts: [open as never] } });
    const later = page.history.alert();
    page.tell(later);
    expect(page.view.riskAlerts).toEqual([later.body, open]);
  });

  it('that were cleared stay cleared when a snapshot brings them again', async () => {
    const page = await live();
    const alert = page.history.alert();
    page.tell(alert);
    page.handle.clearAlerts();
    expect(page.view.riskAlerts).toEqual([]);
    page.joined({
      recovered: false,
      reason: 'too_old',
      snapshot: { ...page.state(), open_alerts: [alert.body as never] },
    });
    expect(page.view.riskAlerts).toEqual([]);
  });

  it('are kept to the last hundred', async () => {
    const page = await live();
    for (let count = 0; count < 120; count += 1) page.tell(page.history.alert());
    expect(page.view.riskAlerts).toHaveLength(100);
    expect(page.view.riskAlerts[0]).toMatchObject({ sequence: 120 });
  });
});

describe('a listener that throws', () => {
  it('keeps nobody else from hearing, and its error is not swallowed', async () => {
    const page = await live();
    const thrown: unknown[] = [];
    const former = globalThis.queueMicrotask;
    globalThis.queueMicrotask = (run) => {
      try {
        run();
      } catch (error) {
        thrown.push(error);
      }
    };
    try {
      page.handle.onEvent(() => {
        throw new Error('mine');
      });
      const heard: number[] = [];
      page.handle.onEvent((event) => heard.push(event.body.sequence));
      page.trade();
      expect(heard).toEqual([1]);
      expect(thrown).toEqual([new Error('mine')]);
    } finally {
      globalThis.queueMicrotask = former;
    }
  });
});

describe('a user who changes behind a token provider', () => {
  it('is shown nothing of the former one`s', async () => {
    let user = 'trader-a';
    const page = await new PageUnderTest(world, { token: () => tokenOf(user) }).goLive();
    page.tell(page.history.alert());
    user = 'trader-b';
    world.opens = false;
    world.wire.cut();
    await world.advance(2_000);
    expect(page.view).toMatchObject({ equityData: null, snapshot: null, riskAlerts: [], cursor: null, asOf: null });
  });
});
