import { ClientWorld } from '../../../support/client-world.js';
import { PageUnderTest, tokenOf } from '../../../support/page.js';

let world: ClientWorld;
beforeEach(() => {
  world = new ClientWorld();
});

const refusal = (
  code: 'unauthorized' | 'token_expired' | 'unavailable' | 'too_many_connections',
  retry_after_ms?: number,
) => ({
  code,
  message: code,
  ...(retry_after_ms === undefined ? {} : { retry_after_ms }),
});

/** A provider that counts how often it is asked. */
function provider(give: () => string | Promise<string>): { (): string | Promise<string>; asked: number } {
  const ask = (): string | Promise<string> => {
    ask.asked += 1;
    return give();
  };
  ask.asked = 0;
  return ask;
}

describe('trying again', () => {
  it('waits anywhere up to a ceiling that doubles to 30 s', async () => {
    world.opens = false;
    world.chance = 0.999;
    new PageUnderTest(world);
    await world.settle();
    for (const ceilingMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
      const tries = world.wires.length;
      world.wire.fail();
      await world.advance(ceilingMs * 0.998);
      expect(world.wires).toHaveLength(tries);
      await world.advance(ceilingMs * 0.002);
      expect(world.wires).toHaveLength(tries + 1);
    }
  });

  it('spreads a thousand pages over the second after a restart', async () => {
    const perTenth = new Map<number, number>();
    for (let page = 0; page < 1_000; page += 1) {
      const one = new ClientWorld();
      await new PageUnderTest(one).goLive();
      one.chance = (page * 0.618_034) % 1;
      one.wire.cut();
      const cutMs = one.monotonicMs();
      while (one.wires.length === 1) await one.advance(10);
      const tenth = Math.floor((one.monotonicMs() - cutMs) / 100);
      perTenth.set(tenth, (perTenth.get(tenth) ?? 0) + 1);
    }
    expect(Math.max(...perTenth.values())).toBeLessThan(130);
  }, 20_000);

  it('begins with short waits again only after a connection that lasted', async () => {
    const page = await new PageUnderTest(world).goLive();
    const cutOnceOpen = async (): Promise<number> => {
      for (let waits = 0; !world.wire.isOpen && waits < 300; waits += 1) await world.advance(100);
      world.wire.cut();
      return (page.view.connection as { attempt: number }).attempt;
    };
    const attempts = [];
    for (let flaps = 0; flaps < 4; flaps += 1) attempts.push(await cutOnceOpen());
    expect(attempts).toEqual([1, 2, 3, 4]);
    while (!world.wire.isOpen) await world.advance(100);
    page.joined({ recovered: true });
    await world.advance(10_000);
    await expect(cutOnceOpen()).resolves.toBe(1);
  });

  it('gives up an attempt that neither opens nor fails', async () => {
    world.opens = false;
    new PageUnderTest(world);
    await world.settle();
    await world.advance(20_000);
    expect(world.wire.isClosed).toBe(true);
    await world.advance(1_000);
    expect(world.wires).toHaveLength(2);
  });

  it('obeys the gateway`s hint, which waking up does not cut short', async () => {
    world.opens = false;
    const page = new PageUnderTest(world);
    await world.settle();
    world.wire.fail(refusal('unavailable', 8_000));
    expect(page.view.error).toMatchObject({ code: 'unavailable', retryable: true });
    await world.wake('online');
    void page.handle.refresh();
    await world.advance(7_999);
    expect(world.wires).toHaveLength(1);
    await world.advance(1_001);
    expect(world.wires).toHaveLength(2);
  });

  it('does not wait any longer when the network is back or the page is shown', async () => {
    await new PageUnderTest(world).goLive();
    world.chance = 0.999;
    world.wire.cut();
    await world.wake('online');
    expect(world.wires).toHaveLength(2);
  });

  it('is live again after a gateway that refused for 5 s and then restarted', async () => {
    const page = await new PageUnderTest(world).goLive();
    page.trade();
    world.opens = false;
    world.wire.cut();
    for (let refusals = 0; refusals < 4; refusals += 1) {
      await world.advance(2_000);
      if (!world.wire.isClosed) world.wire.fail(refusal('unavailable', 1_000));
    }
    world.opens = true;
    await world.advance(5_000);
    page.joined({ recovered: true });
    page.fresh();
    expect(page.view).toMatchObject({ connection: { is: 'live' }, error: null });
  });
});

describe('a refusal for good', () => {
  it('at the handshake is not tried again, by itself or when the page is shown', async () => {
    world.opens = false;
    const page = new PageUnderTest(world);
    await world.settle();
    world.wire.fail(refusal('unauthorized'));
    await world.wake('shown');
    await world.advance(600_000);
    expect(world.wires).toHaveLength(1);
    expect(page.view.connection).toMatchObject({ is: 'denied', fault: { code: 'unauthorized', retryable: false } });
  });

  it('ends with another token of the same user, or when a person asks once more', async () => {
    world.opens = false;
    const page = new PageUnderTest(world, { token: tokenOf('trader-1', { jti: 'bad' }) });
    await world.settle();
    world.wire.fail(refusal('unauthorized'));
    void page.handle.refresh();
    await world.settle();
    expect(page.view.connection.is).toBe('connecting');
    world.wire.fail(refusal('unauthorized'));
    expect(page.view.connection.is).toBe('denied');
    world.opens = true;
    page.client.useToken(tokenOf('trader-1', { jti: 'good' }));
    await page.goLive();
    expect(page.view).toMatchObject({ connection: { is: 'live' }, error: null });
  });

  it('said before the gateway disconnects stands, and the figures go', async () => {
    const page = await new PageUnderTest(world).goLive();
    page.trade();
    world.wire.say('error', refusal('unauthorized'));
    world.wire.cut();
    await world.advance(600_000);
    expect(world.wires).toHaveLength(1);
    expect(page.view).toMatchObject({ connection: { is: 'denied' }, equityData: null });
  });

  it('is not what a disconnect without a word means', async () => {
    await new PageUnderTest(world).goLive();
    world.wire.cut();
    await world.advance(1_000);
    expect(world.wires).toHaveLength(2);
  });

  it('ends all challenges when the user`s access was revoked', async () => {
    const page = await new PageUnderTest(world).goLive();
    world.wire.say('access_revoked', {});
    expect(page.view.connection.is).toBe('denied');
    expect(world.openWires).toEqual([]);
  });
});

describe('a token', () => {
  it('is asked for at each connect, once for all challenges', async () => {
    let number = 0;
    const ask = provider(() => tokenOf('trader-1', { jti: String((number += 1)) }));
    const page = new PageUnderTest(world, { token: ask });
    for (const other of ['a', 'b', 'c']) page.client.challenge(other).subscribe(() => undefined);
    await page.goLive();
    expect(ask.asked).toBe(1);
    world.wire.cut();
    await world.advance(1_000);
    expect(ask.asked).toBe(2);
    expect(world.wires.map(({ token }) => token)).toEqual([1, 2].map((jti) => tokenOf('trader-1', { jti: `${jti}` })));
    expect(world.wire.joins).toHaveLength(4);
  });

  it('that expired during an outage is replaced at the reconnect', async () => {
    let token = tokenOf('trader-1', { jti: 'old' });
    const page = await new PageUnderTest(world, { token: () => token }).goLive();
    world.wire.cut();
    world.opens = false;
    await world.advance(1_000);
    world.wire.fail(refusal('token_expired'));
    token = tokenOf('trader-1', { jti: 'new' });
    world.opens = true;
    await world.advance(5_000);
    page.joined({ recovered: true });
    page.fresh();
    expect(world.wire.token).toBe(token);
    expect(page.view.connection.is).toBe('live');
  });

  it('that can not be had is an error that is retried', async () => {
    const ask = provider(() => Promise.reject(new Error('offline')));
    const page = new PageUnderTest(world, { token: ask });
    await world.advance(10_000);
    expect(page.view.error).toMatchObject({ code: 'token_failed', retryable: true });
    expect(ask.asked).toBeGreaterThan(1);
    expect(world.wires).toEqual([]);
  });

  it('that never comes is given up after 10 s and asked for again', async () => {
    const ask = provider(() => new Promise<string>(() => undefined));
    const page = new PageUnderTest(world, { token: ask });
    await world.advance(10_000);
    expect(page.view.error).toMatchObject({ code: 'token_failed' });
    await world.advance(1_000);
    expect(ask.asked).toBe(2);
  });

  it('whose provider says unauthorized is refused for good', async () => {
    const ask = provider(() => Promise.reject(Object.assign(new Error('signed out'), { code: 'unauthorized' })));
    const page = new PageUnderTest(world, { token: ask });
    await world.advance(60_000);
    expect(ask.asked).toBe(1);
    expect(page.view.connection).toMatchObject({ is: 'denied', fault: { code: 'unauthorized' } });
  });

  it('that is fixed and has expired closes the challenge, figures kept, until there is another', async () => {
    const page = await new PageUnderTest(world, { token: tokenOf('trader-1', { jti: 'old' }) }).goLive();
    page.trade();
    world.wire.cut();
    world.opens = false;
    await world.advance(1_000);
    world.wire.fail(refusal('token_expired'));
    await world.advance(600_000);
    expect(world.wires).toHaveLength(2);
    expect(page.view).toMatchObject({
      connection: { is: 'closed' },
      isStale: true,
      equityData: { current_equity: '10001.00' },
      error: { code: 'token_expired', retryable: false },
    });
    world.opens = true;
    page.client.useToken(tokenOf('trader-1', { jti: 'new' }));
    await world.settle();
    expect(world.wire.joins).toMatchObject([{ cursor: { sequence: 1 } }]);
  });

  it('about to expire is prolonged with a newer one, without a new socket', async () => {
    let token = tokenOf('trader-1', { jti: 'old' });
    await new PageUnderTest(world, { token: () => token }).goLive();
    world.wire.say('token_expired', {});
    await world.settle();
    expect(world.wire.countOf('refresh_token')).toBe(0);
    token = tokenOf('trader-1', { jti: 'new' });
    world.wire.say('token_expired', {});
    await world.settle();
    expect(world.wire.sent.at(-1)).toMatchObject({ name: 'refresh_token', payload: { token } });
    expect(world.wires).toHaveLength(1);
  });

  it('of somebody else never prolongs a socket', async () => {
    let token = tokenOf('trader-1');
    await new PageUnderTest(world, { token: () => token }).goLive();
    token = tokenOf('trader-2');
    world.wire.say('token_expired', {});
    await world.settle();
    expect(world.wire.countOf('refresh_token')).toBe(0);
  });
});

describe('a gateway that drains', () => {
  it('is left at the time it gave, and joined elsewhere with the cursor', async () => {
    const page = await new PageUnderTest(world).goLive();
    page.trade();
    world.wire.say('going_away', { reconnect_in_ms: 3_000 });
    await world.advance(2_999);
    expect(page.view.connection.is).toBe('live');
    await world.advance(1);
    expect(world.wires.map(({ isClosed }) => isClosed)).toEqual([true, false]);
    expect(page.view.error).toBeNull();
    expect(world.wire.joins).toMatchObject([{ cursor: { sequence: 1 } }]);
  });
});

describe('rooms of one client', () => {
  it('share a socket, and each is joined once however many look', async () => {
    const page = new PageUnderTest(world);
    const stops = [1, 2, 3].map(() => page.client.challenge(page.history.challengeId).subscribe(() => undefined));
    page.client.challenge('other').subscribe(() => undefined);
    await world.settle();
    expect(world.wires).toHaveLength(1);
    expect(world.wire.joins).toHaveLength(2);
    for (const stop of stops) stop();
    await world.advance(2_000);
    expect(world.wire.countOf('leave_challenge')).toBe(0);
  });

  it('are left a second after the last one looked, and the socket with the last room', async () => {
    const page = await new PageUnderTest(world).goLive();
    const stop = page.client.challenge('other').subscribe(() => undefined);
    page.leave();
    page.leave();
    await world.advance(999);
    expect(world.wire.countOf('leave_challenge')).toBe(0);
    await world.advance(1);
    expect(world.wire.sent.at(-1)).toMatchObject({ name: 'leave_challenge' });
    expect(world.openWires).toHaveLength(1);
    stop();
    await world.advance(1_000);
    expect(world.openWires).toEqual([]);
    expect(world.pendingTimers).toBe(0);
  });

  it('are left as well when the answer to a join comes after nobody looks any more', async () => {
    const page = new PageUnderTest(world);
    page.client.challenge('other').subscribe(() => undefined);
    await world.settle();
    page.leave();
    await world.advance(1_000);
    expect(world.wire.countOf('leave_challenge')).toBe(0);
    page.joined();
    expect(world.wire.sent.at(-1)).toMatchObject({
      name: 'leave_challenge',
      payload: { challenge_id: page.history.challengeId },
    });
  });

  it('keep nothing of a room that was left', async () => {
    const page = await new PageUnderTest(world).goLive();
    page.trade();
    page.leave();
    await world.advance(1_000);
    expect(page.view).toMatchObject({ equityData: null, snapshot: null });
  });

  it('do not hear of each other`s events', async () => {
    const page = await new PageUnderTest(world).goLive();
    const other = page.client.challenge('other');
    other.subscribe(() => undefined);
    await world.settle();
    page.trade();
    world.wire.say('equity_updated', { ...page.history.equity().body, challenge_id: 'unknown' });
    expect(page.handled).toEqual([1]);
    expect(other.getSnapshot().equityData).toBeNull();
  });
});

describe('what makes no sense', () => {
  it('is dropped: payloads that are no objects, messages of other names', async () => {
    const page = await new PageUnderTest(world).goLive();
    const before = page.view;
    for (const body of [null, undefined, 'text', 7, []]) world.wire.say('equity_updated', body);
    world.wire.say('something_new', { challenge_id: page.history.challengeId });
    world.wire.say('replayed', { challenge_id: page.history.challengeId, replay_id: 'r', event: {} });
    expect(page.view).toBe(before);
  });
});
