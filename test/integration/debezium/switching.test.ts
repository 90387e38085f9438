import { randomInt } from 'node:crypto';

import type { Stack } from '@tradesense/local';

import { Debezium, guide } from '../../support/debezium.js';
import { handledOnce, sameSet, type Numbered } from '../../support/invariants.js';
import { chanceOf, writeInDisorder } from '../../support/outbox-writers.js';
import { RelayScene } from '../../support/relay-scene.js';
import { groundOn, privateStack } from '../../support/stack.js';
import { until } from '../../support/until.js';

const WITHIN = { withinMs: 30_000 };

describe('switching from the relay to Debezium and back, as docs/debezium.md says', () => {
  let stack: Stack;
  let scene: RelayScene;
  let debezium: Debezium | undefined;

  beforeAll(async () => {
    stack = await privateStack({ postgres: { wal_level: 'logical' } });
    scene = await RelayScene.open(groundOn(stack));
  });
  afterAll(async () => {
    await debezium?.close();
    await scene?.close();
    await stack?.stop();
  });

  /** The one value that a statement of the guide answers with. */
  async function ask<Row extends object>(name: string, values: readonly unknown[] = []): Promise<Row> {
    const [statement] = guide(name);
    return (await scene.challenges.query<Row>(statement!, values)).rows[0]!;
  }
  const isReached = (lsn: string, by: string): Promise<boolean> =>
    scene.challenges
      .query<{ yes: boolean }>(`select $1::pg_lsn >= $2::pg_lsn as yes`, [by, lsn])
      .then(({ rows }) => rows[0]!.yes);

  it('loses nothing and keeps the order while writers go on', async () => {
    const writers = new UnceasingWriters(scene);
    try {
      await toDebeziumAndBack();
    } finally {
      await writers.stop();
    }

    expect(handledOnce(await scene.published(WITHIN.withinMs)).length).toBeGreaterThan(0); // both published some: no gap
    expect(lastStatesIn(scene)).toEqual(await newestStates(scene));
  });

  const untilKafkaHas = (committed: readonly Numbered[]): Promise<unknown> =>
    until(
      () => sameSet(committed, scene.log.numbered(scene.topics.events)).filter((breach) => breach.startsWith('lost')),
      (lost) => lost.length === 0,
      WITHIN,
    );

  async function toDebeziumAndBack(): Promise<void> {
    const relay = await (await scene.relay()).ready();
    await until(() => scene.log.of(scene.topics.events).length > 20, Boolean, WITHIN);

    // From the relay to Debezium.
    debezium = await Debezium.prepare(stack, { topicPrefix: scene.ground.topicPrefix });
    const { last_value } = await ask<{ last_value: string }>('last before the slot');
    await until(
      async () => Number((await ask<{ floor: string }>('floor')).floor),
      (floor) => floor >= Number(last_value),
      WITHIN,
    );

    await relay.stop();
    await debezium.start();

    await untilKafkaHas(await scene.challenges.committed());

    // And back.
    const { floor, written } = await ask<{ floor: string; written: string }>('later floor');
    await until(
      async () => isReached(written, (await ask<{ confirmed_flush_lsn: string }>('confirmed')).confirmed_flush_lsn),
      Boolean,
      WITHIN,
    );

    await debezium.stop();

    const before = scene.log.of(scene.topics.events).length;
    await ask('move the floor', [floor]);
    await (await scene.relay('relay again')).ready();

    await debezium.close();

    await until(() => scene.log.of(scene.topics.events).length > before + 20, Boolean, WITHIN);
    expect(Number(floor)).toBeGreaterThan(Number(last_value));
  }
});

/** Writers that overlap, and roll back, until they are told to stop. */
class UnceasingWriters {
  #isOver = false;
  readonly #done: Promise<void>;

  constructor({ ground, challenges }: RelayScene) {
    const seed = randomInt(2 ** 31);
    console.log(`seed ${seed}`);
    this.#done = this.#write(ground.databaseUrl('postgres'), challenges.ids, chanceOf(seed));
  }

  async #write(url: string, challenges: readonly string[], chance: () => number): Promise<void> {
    while (!this.#isOver) await writeInDisorder(url, challenges, { chance, writers: 6, transactions: 5 });
  }

  stop(): Promise<void> {
    this.#isOver = true;
    return this.#done;
  }
}

/** Of each challenge the sequence of its newest committed state. */
async function newestStates({ challenges }: RelayScene): Promise<ReadonlyMap<string, number>> {
  const { rows } = await challenges.query<{ id: string; sequence: number }>(
    `select aggregateid as id, max(sequence)::int as sequence from outbox where aggregatetype = 'challenge-state' group by 1`,
  );
  return new Map(rows.map(({ id, sequence }) => [id, sequence]));
}

/** What is left of each challenge once Kafka has compacted the topic. */
const lastStatesIn = (scene: RelayScene): ReadonlyMap<string, number> =>
  new Map(scene.log.numbered(scene.topics.state).map(({ challenge_id, sequence }) => [challenge_id, sequence]));
