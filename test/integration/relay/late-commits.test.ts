import { randomInt } from 'node:crypto';

import { ascendingPerChallenge, handledOnce } from '../../support/invariants.js';
import { OutboxWriter, chanceOf, writeInDisorder } from '../../support/outbox-writers.js';
import { RelayScene } from '../../support/relay-scene.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { until } from '../../support/until.js';

describe('a relay beside writers that overlap, on real PostgreSQL and Kafka', () => {
  let ground: OwnGround;
  let scene: RelayScene;
  let slow: OutboxWriter;
  let quick: OutboxWriter;

  beforeAll(async () => {
    ground = await openStack();
    scene = await RelayScene.open(ground);
    slow = await OutboxWriter.open(ground.databaseUrl('postgres'));
    quick = await OutboxWriter.open(ground.databaseUrl('postgres'));
    await (await scene.relay()).ready();
  });
  afterAll(async () => {
    await Promise.all([slow.close(), quick.close()]);
    await scene.close();
    await ground.close();
  });

  const has = (challengeId: string) => () =>
    scene.log.numbered(scene.topics.events).some(({ challenge_id }) => challenge_id === challengeId);
  const lastPosition = async (): Promise<number> => {
    const { rows } = await quick.query<{ last: number }>('select max(position)::int as last from outbox');
    return rows[0]!.last;
  };

  it('publishes the row that took its position early and was committed late (P1)', async () => {
    const [early, late] = scene.challenges.ids as [string, string];
    await slow.begin();
    await slow.append(early);
    await quick.append(late);
    await until(has(late));
    expect(has(early)()).toBe(false);
    await slow.commit();
    await scene.published(2_000);
  });

  it('lets its floor pass the positions of a writer that rolled back within a second (P5)', async () => {
    const [, , early, late] = scene.challenges.ids as [string, string, string, string];
    await slow.begin();
    await slow.append(early);
    await quick.append(late);
    const last = await lastPosition();
    await until(has(late));
    expect((await scene.row()).floor).toBeLessThan(last);
    await slow.rollBack();
    await until(
      async () => (await scene.row()).floor,
      (floor) => floor >= last,
      { withinMs: 1_000, what: `the floor is at ${last}` },
    );
  });

  it('publishes what was committed although nobody wakes it', async () => {
    const before = performance.now();
    await quick.append(scene.challenges.ids[4]!);
    await until(has(scene.challenges.ids[4]!), Boolean, { everyMs: 5 });
    expect(performance.now() - before).toBeLessThan(1_500); // one idle poll of 500 ms, and what a busy machine adds
  });

  it('is woken by the notification, and listens again on another connection when its own is gone', async () => {
    const listening = async () => {
      const { rows } = await quick.query<{ pid: number }>(
        `select pid from pg_stat_activity where application_name = 'tradesense-relay-wake' and datname = current_database()`,
      );
      return rows[0]?.pid;
    };
    const first = await until(listening);
    await quick.query('select pg_terminate_backend($1)', [first]);
    await until(listening, (pid) => pid !== undefined && pid !== first);
    await quick.append(scene.challenges.ids[5]!);
    await quick.query('notify tradesense_outbox');
    await until(has(scene.challenges.ids[5]!));
  });

  it('publishes 1..N of every challenge in order, of 50 writers with pauses, rollbacks and savepoints', async () => {
    const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));
    console.log(`SEED=${seed}`);
    await writeInDisorder(ground.databaseUrl('postgres'), scene.challenges.ids, {
      chance: chanceOf(seed),
      writers: 50,
      transactions: 12,
    });
    const events = await scene.published();
    expect(handledOnce(events)).toEqual([]); // without a fault nothing comes twice
    expect(events.length).toBeGreaterThan(400);

    const last = await lastPosition();
    await until(
      async () => (await scene.row()).floor,
      (floor) => floor >= last,
      { what: `every hole is filled or given up, up to ${last}` },
    );
    const states = scene.log.numbered(scene.topics.state);
    expect(ascendingPerChallenge(states)).toEqual([]);
    const newest = new Map(states.map(({ challenge_id, sequence }) => [challenge_id, sequence]));
    expect(newest).toEqual(new Map(events.map(({ challenge_id, sequence }) => [challenge_id, sequence])));
  });
});
