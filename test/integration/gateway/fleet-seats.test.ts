import { systemClock } from '@tradesense/platform';

import { FleetSeats, RedisRegister } from '../../../services/gateway/src/fleet/index.js';
import { hasRedis } from '../../support/debian.js';
import { aUserId } from '../../support/facts.js';
import { Redis } from '../../support/redis.js';
import { until } from '../../support/until.js';

const LIMIT = 10;
const WITHIN = { withinMs: 15_000, everyMs: 100 };
const title = 'the connections of a user on two gateways, counted in Redis';

(hasRedis ? describe : describe.skip)(hasRedis ? title : `${title} (NOT RUN: redis-server is not installed)`, () => {
  let redis: Redis;
  let looked: string[];
  const gateways: FleetSeats[] = [];
  beforeEach(async () => {
    redis = await Redis.start();
    looked = [];
  });
  afterEach(async () => {
    for (const gateway of gateways.splice(0)) await gateway.stop();
    await redis.stop();
  });
  async function gateway(): Promise<FleetSeats> {
    const seats = new FleetSeats({
      register: new RedisRegister({ url: redis.url, prefix: 'test.' }),
      limit: LIMIT,
      clock: systemClock,
      signals: { seat: (where) => looked.push(where) },
      breaker: () => undefined,
    });
    gateways.push(seats);
    await seats.start();
    return seats;
  }
  /** How many of so many come in. */
  async function admitted(seats: FleetSeats, user: ReturnType<typeof aUserId>, count: number): Promise<number> {
    let inside = 0;
    for (let tried = 0; tried < count; tried += 1) if ((await seats.take(user)) !== undefined) inside += 1;
    return inside;
  }

  it('are ten in all: the eleventh is refused on either, until one has left; others are not counted with them', async () => {
    const [one, two] = [await gateway(), await gateway()];
    const user = aUserId();
    const leave = await one.take(user);
    expect(await admitted(one, user, 5)).toBe(5);
    expect(await admitted(two, user, 5)).toBe(4);
    expect([await one.take(user), await two.take(user)]).toEqual([undefined, undefined]);
    expect(await admitted(two, aUserId(), 11)).toBe(10);
    leave?.();
    await until(async () => (await two.take(user)) !== undefined, Boolean, { ...WITHIN, what: 'the place is free' });
    expect(await one.take(user)).toBeUndefined();
    expect(new Set(looked)).toEqual(new Set(['everywhere']));
  });

  it('are counted by each gateway for itself while Redis is gone, and together again once it is back, empty', async () => {
    const [one, two] = [await gateway(), await gateway()];
    const user = aUserId();
    expect(await admitted(one, user, 6)).toBe(6);
    await redis.kill();
    const beganMs = performance.now();
    expect(await admitted(two, user, 12)).toBe(10);
    expect(performance.now() - beganMs).toBeLessThan(3_000);
    expect(looked.at(-1)).toBe('here');
    await redis.start();
    const other = aUserId();
    expect(await admitted(one, other, 3)).toBe(3);
    // Each writes all it has anew: what came in meanwhile counts, and nobody is thrown out.
    await until(async () => (await one.take(user)) === undefined, Boolean, {
      ...WITHIN,
      what: 'both are counted again',
    });
    await until(
      async () => {
        looked = [];
        (await two.take(aUserId()))?.();
        return looked[0];
      },
      (where) => where === 'everywhere',
      { ...WITHIN, what: 'Redis is asked again' },
    );
  });

  it('do not wait for a Redis that hangs', async () => {
    const one = await gateway();
    redis.freeze();
    const beganMs = performance.now();
    expect(await admitted(one, aUserId(), 6)).toBe(6);
    expect(performance.now() - beganMs).toBeLessThan(3_000); // three time-outs of 250 ms, then nobody asks
    redis.thaw();
    await until(
      async () => {
        looked = [];
        (await one.take(aUserId()))?.();
        return looked[0];
      },
      (where) => where === 'everywhere',
      { ...WITHIN, what: 'Redis is asked again' },
    );
  });

  it('of a gateway that was killed are given up after 10 s', async () => {
    const killed = new RedisRegister({ url: redis.url, prefix: 'test.' });
    await killed.open();
    const user = aUserId();
    const { placeOf } = await import('../../../services/gateway/src/fleet/place.js');
    await killed.claim(placeOf(user), LIMIT, LIMIT);
    const two = await gateway();
    expect(await two.take(user)).toBeUndefined();
    await until(async () => (await two.take(user)) !== undefined, Boolean, { ...WITHIN, what: 'they are given up' });
    await killed.close();
  });
});
