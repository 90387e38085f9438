import { connectPublisher, openReader } from '@tradesense/kafka';

import { Kafka, RETRY } from '../../../libs/kafka/src/kafkajs/library.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { until, within } from '../../support/until.js';

const RECORDS = 200;
const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!;

describe('three readers of one topic', () => {
  let ground: OwnGround;
  beforeAll(async () => {
    ground = await openStack();
  });
  afterAll(() => ground?.close());

  it('each have every record, a few milliseconds after its sender, join no group and commit nothing (K11, K14)', async () => {
    const topic = ground.topics.events;
    const connection = { brokers: ground.brokers, clientId: 'pitfalls' };
    const heard = Array.from({ length: 3 }, () => new Set<string>());
    let arrived = (): void => undefined;
    const readers = heard.map((values) =>
      openReader(connection, [{ topic: topic.name, partitions: topic.partitions, from: 'end' }], {
        records(records) {
          for (const { value } of records) values.add(String(value));
          if (heard.every(({ size }) => size === heard[0]?.size)) arrived();
        },
        lost: (loss) => {
          throw new Error(`${loss.topic}/${loss.partition} lacks ${loss.from} to ${loss.to}`);
        },
        position: () => undefined,
      }),
    );
    const publisher = connectPublisher(connection, { topics: [topic] });
    const kafka = new Kafka({ ...connection, brokers: [...connection.brokers], retry: RETRY, logLevel: 0 });
    const admin = kafka.admin();
    const takenMs: number[] = [];
    try {
      await Promise.all(readers.map((reader) => reader.start()));
      for (let count = 0; count < RECORDS; count += 1) {
        const value = Buffer.from(String(count));
        const everywhere = new Promise<void>((resolve) => (arrived = resolve));
        const ends = await publisher.send([{ topic: topic.name, records: [{ key: `${count}`, value, headers: {} }] }]);
        const acknowledgedMs = performance.now();
        expect(ends.size).toBe(1);
        if (heard.some((values) => !values.has(String(count)))) await within(10_000, `record ${count}`, everywhere);
        takenMs.push(performance.now() - acknowledgedMs);
      }
      await until(
        () => heard.map(({ size }) => size),
        (sizes) => sizes.every((size) => size === RECORDS),
      );
      expect(median(takenMs)).toBeLessThan(20);

      await admin.connect();
      expect((await admin.listGroups()).groups).toEqual([]);
      // Made by the broker as soon as anybody only asks where a group would be kept.
      expect(await admin.listTopics()).not.toContain('__consumer_offsets');
    } finally {
      await Promise.all([...readers.map((reader) => reader.stop()), publisher.close(), admin.disconnect()]);
    }
  });
});
