import { connectAdmin, connectPublisher } from '@tradesense/kafka';
import type { Stack } from '@tradesense/local';

import { Ear, Source, breaches } from '../../support/kafka-load.js';
import { chanceOf } from '../../support/outbox-writers.js';
import { privateStack } from '../../support/stack.js';

const SENDERS = ['a', 'b', 'c', 'd'];
/** How long links lose answers at random; 12000 is what the rule of one send at a time was found with. */
const LOSE_MS = Number(process.env['LOSE_MS'] ?? 5_000);
const DEADLINE_MS = 400;

describe('four senders whose links to one topic lose answers at random', () => {
  let stack: Stack;

  beforeAll(async () => {
    stack = await privateStack({ durable: false, migrated: false, topicPrefix: null, links: SENDERS });
  });
  afterAll(() => stack.stop());

  it(
    'store every record, each key in order, and answer for no other (pitfalls K1, K2)',
    async () => {
      const topic = { name: 'lost-answers', partitions: 3, settings: { 'cleanup.policy': 'delete' } };
      const direct = { brokers: stack.kafkaBrokers, clientId: 'test' };
      const admin = connectAdmin(direct);
      await admin.ensureTopics([topic]);
      const ear = new Ear(direct, topic);
      await ear.reader.start();
      const seed = Number(process.env['SEED'] ?? Date.now() % 1e6);
      process.stdout.write(`seed ${seed}\n`);
      const chance = chanceOf(seed);
      const senders = SENDERS.map((name) => {
        const { kafka, kafkaBrokers: brokers } = stack.link(name);
        const publisher = connectPublisher({ brokers, clientId: name }, { topics: [topic], deadlineMs: DEADLINE_MS });
        return { link: kafka, publisher, source: new Source(publisher, topic.name, `${name} `) };
      });

      const over = performance.now() + LOSE_MS;
      await Promise.all(
        senders.map(async ({ link }) => {
          while (performance.now() < over) {
            await passing(chance() * 500);
            link.dropReplies();
            await passing(chance() * 2 * DEADLINE_MS);
            await link.heal();
          }
        }),
      );
      await Promise.all(senders.map(({ source }) => source.stop()));
      await Promise.all(senders.map(({ publisher }) => publisher.close()));

      const ends = await admin.ends(topic.name);
      await ear.reachedEnds(ends);
      await Promise.all([ear.reader.stop(), admin.close()]);
      for (const { source } of senders) {
        expect(source.unclear).toBeGreaterThan(0);
        expect(source.acknowledged).toBe(source.sent);
        expect(breaches(source, ear, ends)).toEqual([]);
      }
    },
    LOSE_MS + 50_000,
  );
});

const passing = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
