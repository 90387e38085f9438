import { setTimeout as delay } from 'node:timers/promises';

import { CHALLENGE_PARTITIONS } from '@tradesense/contracts';
import { partitionOf } from '@tradesense/kafka';

import { Client } from '../../support/client.js';
import { History } from '../../support/facts.js';
import { Feed } from '../../support/feed.js';
import { groundOn, openStack, privateStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { tokens } from '../../support/tokens.js';
import { until } from '../../support/until.js';

/** A tenth of the default, and as much again until it must have been noticed: a tenth of the 15 s that are promised. */
const STALE_MS = 1_000;
const NOTICED_MS = 1_500;
const ENV = { gateway: { STALE_MS: String(STALE_MS) } };
/** A tenth of half a minute; KAFKA_AWAY_MS=30000 is full size. */
const KAFKA_AWAY_MS = Number(process.env['KAFKA_AWAY_MS'] ?? 3_000);
const MEANWHILE = 100;

const clients: Client[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.close();
});
async function live(url: string, userId: string, challengeId: string): Promise<Client> {
  const client = new Client({ url, token: await tokens.user(userId), challengeId });
  clients.push(client);
  await client.joined();
  await until(() => client.isLive, Boolean, { what: 'live' });
  return client;
}
/** Milliseconds until it is told. */
async function stale(client: Client, sinceMs: number): Promise<number> {
  await until(() => client.freshness.at(-1)?.state === 'stale', Boolean, { everyMs: 5, what: 'stale' });
  return performance.now() - sinceMs;
}

describe('what a page can not see by itself', () => {
  let ground: OwnGround;
  let feed: Feed;
  let system: System;
  beforeAll(async () => {
    ground = await openStack();
    feed = new Feed(ground);
    feed.startWatermarks();
    system = await System.start(ground, { services: ['gateway'], env: ENV });
  });
  afterAll(async () => {
    await system?.stop();
    await feed?.close();
    await ground?.close();
  });

  it('a last event that did not arrive, shows as stale, in its partition only; and live by itself once it does', async () => {
    const lost = new History();
    const partition = (history: History): number => partitionOf(history.challengeId, CHALLENGE_PARTITIONS);
    let other = new History();
    while (partition(other) === partition(lost)) other = new History();
    await feed.publish(lost.state(), other.state());
    const [page, elsewhere] = [
      await live(system.gatewayUrl, lost.userId, lost.challengeId),
      await live(system.gatewayUrl, other.userId, other.challengeId),
    ];
    await feed.trade(lost, 3);
    await page.reached(3);
    const last = lost.equity();
    feed.promise(lost.challengeId);
    expect(await stale(page, performance.now())).toBeLessThan(NOTICED_MS);
    expect(page.freshness.at(-1)).toMatchObject({ reason: 'behind', as_of: expect.any(String) });
    expect(elsewhere.isLive).toBe(true);
    expect(elsewhere.freshness.filter(({ state }) => state === 'stale')).toEqual([]);

    await feed.redeem(last);
    await page.reached(4);
    await until(() => page.isLive, Boolean, { what: 'live again' });
    expect([page.joins.length, page.gaps.length]).toEqual([1, 0]);
  });
});

it('a relay that stands still shows as stale, and live by itself when it goes on', async () => {
  const ground = await openStack();
  const system = await System.start(ground, { services: ['trade', 'relay', 'gateway'], env: ENV });
  try {
    const { challenge_id, user_id } = await system.api.open();
    const page = await live(system.gatewayUrl, user_id, challenge_id);
    const relay = system.service('relay');
    relay.freeze();
    const frozenMs = performance.now();
    await system.api.post(challenge_id); // committed, and nobody publishes it
    // A watermark that was on its way, and one second between two of them, come on top.
    expect(await stale(page, frozenMs)).toBeLessThan(NOTICED_MS + 1_000);
    expect(page.received).toEqual([]);
    relay.thaw();
    await page.reached(1);
    await until(() => page.isLive, Boolean, { withinMs: 20_000, what: 'live again' });
    expect(page.joins).toHaveLength(1);
  } finally {
    await system.stop();
    await ground.close();
  }
});

it(`a Kafka that is away for ${KAFKA_AWAY_MS} ms shows as stale and touches no trade; the page then has every event, without joining again`, async () => {
  const stack = await privateStack();
  const system = await System.start(groundOn(stack), { services: ['trade', 'relay', 'gateway'], env: ENV });
  try {
    const { challenge_id, user_id } = await system.api.open();
    const page = await live(system.gatewayUrl, user_id, challenge_id);
    const post = (): Promise<unknown> => system.api.post(challenge_id, { realized_pnl: '0.01' }); // rejects unless it was applied
    // Evenly over the time, and fewer than a ring holds: a page is sent all of them.
    const postMeanwhile = async (): Promise<void> => {
      for (let trade = 0; trade < MEANWHILE; trade += 1) await Promise.all([post(), delay(KAFKA_AWAY_MS / MEANWHILE)]);
    };
    await post();
    await page.reached(1);
    await stack.kafka.kill();
    const [noticedMs] = await Promise.all([stale(page, performance.now()), postMeanwhile()]);
    // A watermark that was on its way, and one second between two of them, come on top.
    expect(noticedMs).toBeLessThan(NOTICED_MS + 1_000);
    expect(page.received).toHaveLength(1);
    await stack.kafka.start();
    await page.reached(1 + MEANWHILE, 30_000);
    await until(() => page.isLive, Boolean, { withinMs: 20_000, what: 'live again' });
    expect(page.received.map(({ sequence }) => sequence)).toEqual(
      Array.from({ length: 1 + MEANWHILE }, (_, at) => at + 1),
    );
    expect([page.joins.length, page.gaps.length]).toEqual([1, 0]);
  } finally {
    await system.stop();
    await stack.stop();
  }
});
