import { randomInt } from 'node:crypto';

import type { Stack } from '@tradesense/local';

import { chanceOf, writeInDisorder } from '../../support/outbox-writers.js';
import type { ServiceProcess } from '../../support/processes.js';
import { RelayScene } from '../../support/relay-scene.js';
import { groundOn, privateStack } from '../../support/stack.js';
import { until } from '../../support/until.js';

/** A send whose answer got lost counts as unknown after 10 s at the latest, and a pause of up to 5 s may follow. */
const RECOVERED_MS = 20_000;

describe('a relay whose servers go away', () => {
  let stack: Stack;
  let scene: RelayScene;
  let relay: ServiceProcess;

  beforeAll(async () => {
    stack = await privateStack({ links: ['relay'] });
    scene = await RelayScene.open(groundOn(stack.link('relay')), { brokers: stack.kafkaBrokers });
    relay = await (await scene.relay()).ready();
  });
  afterAll(async () => {
    await scene?.close();
    await stack?.stop();
  });

  const write = (transactions: number): Promise<void> =>
    writeInDisorder(stack.databaseUrl('postgres'), scene.challenges.ids, {
      chance: chanceOf(randomInt(2 ** 31)),
      writers: 8,
      transactions,
    });
  const isReady = async (): Promise<boolean> => (await relay.readiness()).status === 200;

  it('loses nothing when Kafka crashes and comes back: it waits, says for whom, and goes on', async () => {
    const writing = write(15);
    await until(() => scene.log.numbered(scene.topics.events).length > 50);
    await stack.kafka.kill();
    await writing;
    await relay.refuses(/Kafka has not acknowledged position/);
    await stack.kafka.start();
    await scene.published(RECOVERED_MS);
    await until(isReady);
    expect(relay.isRunning).toBe(true);
  });

  it('loses nothing when the link to Kafka stands still for a while, and when replies get lost in it', async () => {
    const { kafka } = stack.link('relay');
    const writing = write(10);
    kafka.freeze();
    await writing;
    await kafka.heal();
    await scene.published(RECOVERED_MS);
    kafka.cutAfter(300, 'replies');
    await write(5);
    await kafka.heal();
    await scene.published(RECOVERED_MS);
  });

  it('loses nothing when PostgreSQL crashes under load: it remembers only its floor, and takes the lease again (P5)', async () => {
    const { generation } = await scene.row();
    const writing = write(200);
    const count = scene.log.numbered(scene.topics.events).length;
    await until(() => scene.log.numbered(scene.topics.events).length > count + 50);
    await stack.postgres.kill('SIGQUIT');
    await writing; // every writer has lost its connection
    await until(isReady, (ready) => !ready);
    await stack.postgres.start();
    await scene.challenges.reconnect();
    await write(5);
    await scene.published(RECOVERED_MS);
    expect((await scene.row()).generation).toBeGreaterThan(generation);
    expect(relay.isRunning).toBe(true);
  });

  it('stops in order, and soon, while PostgreSQL and Kafka hold their connections and do not answer', async () => {
    await until(isReady);
    const { postgres, kafka } = stack.link('relay');
    postgres.freeze();
    kafka.freeze();
    const before = performance.now();
    const { code } = await relay.stop();
    expect(code).toBe(0);
    expect(performance.now() - before).toBeLessThan(6_000);
    await Promise.all([postgres.heal(), kafka.heal()]);
  });
});
