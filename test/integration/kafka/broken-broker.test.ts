import {
  connectAdmin,
  connectPublisher,
  type Admin,
  type IncomingRecord,
  type KafkaConnection,
  type Publisher,
} from '@tradesense/kafka';
import { deleteBefore } from '@tradesense/kafka/testing';
import type { Stack } from '@tradesense/local';

import { Kafka, RETRY } from '../../../libs/kafka/src/kafkajs/library.js';
import { Link } from '../../../libs/kafka/src/kafkajs/link.js';
import { fetchRequest } from '../../../libs/kafka/src/protocol/fetch.js';
import { batchesOf, type Batch } from '../../../libs/kafka/src/protocol/record-batch.js';
import { Ear, RECORDS_PER_S, Source } from '../../support/kafka-load.js';
import { privateStack } from '../../support/stack.js';
import { until } from '../../support/until.js';

/** How long the broker stands still; 40000 is what the reader was designed against. */
const FREEZE_MS = Number(process.env['FREEZE_MS'] ?? 8_000);
const PARTITIONS = 3;
const APPEND_TIME = { 'message.timestamp.type': 'LogAppendTime' };
const KEPT = { ...APPEND_TIME, 'cleanup.policy': 'delete' };

const isEmpty = (batch: Batch | undefined): boolean => batch?.is === 'readable' && batch.records.length === 0;

/** Partition 0 as the broker serves it: an answer never reaches over the end of a segment. */
async function answersOf({ brokers, clientId }: KafkaConnection, topic: string): Promise<Batch[][]> {
  const [host = '', port] = brokers[0]?.split(':') ?? [];
  const link = new Link({ brokers, clientId }, { host, port: Number(port) }, 5_000);
  await link.open([]);
  const answers: Batch[][] = [];
  const limits = { maxWaitMs: 0, maxBytes: 4_194_304, partitionMaxBytes: 4_194_304 };
  try {
    for (let offset = 0n; ; offset = answers.at(-1)?.at(-1)?.next ?? offset) {
      const fetched = await link.request(fetchRequest([{ topic, partition: 0, offset }], limits));
      const batches = [...batchesOf(fetched.answers[0]?.records ?? Buffer.alloc(0))];
      if (batches.length === 0) return answers;
      answers.push(batches);
    }
  } finally {
    link.close();
  }
}

describe('with a broker that breaks,', () => {
  let stack: Stack;
  let connection: KafkaConnection;
  let admin: Admin;
  let topics = 0;
  const open: (() => Promise<void>)[] = [];

  const topicOf = async (partitions = PARTITIONS, settings: Readonly<Record<string, string>> = KEPT) => {
    topics += 1;
    const topic = { name: `broken-${topics}`, partitions, settings };
    await admin.ensureTopics([topic]);
    return topic;
  };
  const publisherTo = (
    topic: { readonly name: string; readonly partitions: number },
    to = connection,
    deadlineMs = 2_000,
  ): Publisher => {
    const publisher = connectPublisher(to, { topics: [topic], deadlineMs });
    open.push(() => publisher.close());
    return publisher;
  };
  const listenTo = async (
    topic: { readonly name: string; readonly partitions: number },
    handle?: (records: readonly IncomingRecord[]) => Promise<void>,
  ): Promise<Ear> => {
    const ear = new Ear(connection, topic, handle);
    open.push(() => ear.reader.stop());
    await ear.reader.start();
    return ear;
  };

  beforeAll(async () => {
    stack = await privateStack({
      durable: false,
      migrated: false,
      topicPrefix: null,
      links: ['client'],
      kafka: {
        // A broker that died is believed dead for this long, also by itself after its return.
        'broker.session.timeout.ms': '2000',
        'broker.heartbeat.interval.ms': '500',
        'log.cleaner.backoff.ms': '200',
      },
    });
    connection = { brokers: stack.kafkaBrokers, clientId: 'test' };
    admin = connectAdmin(connection);
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((close) => close()));
  });
  afterAll(async () => {
    await admin.close();
    await stack.stop();
  });

  it('each offset arrives exactly once over a SIGKILL of the broker under load', async () => {
    const topic = await topicOf();
    const ear = await listenTo(topic);
    const source = new Source(publisherTo(topic), topic.name);
    await until(
      () => ear.records.length,
      (count) => count > RECORDS_PER_S,
    );
    await stack.kafka.kill('SIGKILL');
    const before = source.acknowledged;
    await stack.kafka.start();
    await until(
      () => source.acknowledged,
      (count) => count > before + RECORDS_PER_S,
      { withinMs: 20_000 },
    );
    await source.stop();
    const ends = await admin.ends(topic.name);
    await ear.reachedEnds(ends);
    expect(ear.faults(ends)).toEqual([]);
    expect(new Set(ear.texts).size).toBe(source.sent);
    expect(ear.losses).toEqual([]);
  });

  it(
    `each offset arrives exactly once over a broker that stands still for ${FREEZE_MS} ms`,
    async () => {
      const topic = await topicOf();
      const ear = await listenTo(topic);
      const source = new Source(publisherTo(topic), topic.name);
      await until(
        () => ear.records.length,
        (count) => count > RECORDS_PER_S,
      );
      await stack.kafka.freeze();
      await new Promise((resolve) => setTimeout(resolve, FREEZE_MS));
      const [before, idleMs] = [source.acknowledged, ear.reader.idleMs()];
      await stack.kafka.thaw();
      expect(idleMs).toBeGreaterThan(FREEZE_MS - 1_000);
      await until(
        () => source.acknowledged,
        (count) => count > before + RECORDS_PER_S,
        { withinMs: 20_000 },
      );
      await source.stop();
      const ends = await admin.ends(topic.name);
      await ear.reachedEnds(ends);
      expect(source.unclear).toBeGreaterThan(0);
      expect(ear.faults(ends)).toEqual([]);
      expect(new Set(ear.texts).size).toBe(source.sent);
      expect(ear.losses).toEqual([]);
    },
    FREEZE_MS + 30_000,
  );

  it('a reader stops at once while the broker stands still', async () => {
    const topic = await topicOf();
    const ear = await listenTo(topic);
    await stack.kafka.freeze();
    try {
      await new Promise((resolve) => setTimeout(resolve, 500));
      const before = performance.now();
      await ear.reader.stop();
      expect(performance.now() - before).toBeLessThan(1_000);
    } finally {
      await stack.kafka.thaw();
    }
  });

  it('a send whose answer is lost is unclear, and the next one of the same size is stored (pitfall K1)', async () => {
    const link = stack.link('client');
    const topic = await topicOf(1);
    const publisher = publisherTo(topic, { brokers: link.kafkaBrokers, clientId: 'test' });
    const send = (...texts: string[]) =>
      publisher.send([
        { topic: topic.name, records: texts.map((text) => ({ key: 'a', value: Buffer.from(text), headers: {} })) },
      ]);
    await send('1', '2');
    link.kafka.dropReplies();
    await expect(send('3', '4')).rejects.toMatchObject({ code: 'publish-unclear', remedy: 'wait' });
    await link.kafka.heal();
    await until(
      () => admin.ends(topic.name),
      (ends) => ends.get(0) === 4n,
    ); // stored, though nobody was told
    const ends = await send('5', '6');
    expect(ends.get(topic.name)?.get(0)).toBe(6n);
    const ear = await listenTo(topic);
    await ear.reachedEnds(await admin.ends(topic.name));
    expect(ear.texts).toEqual(['1', '2', '3', '4', '5', '6']);
  });

  it('records deleted under a blocked reader are reported, and those behind them read', async () => {
    const topic = await topicOf(1);
    const publisher = publisherTo(topic);
    const publish = (from: number, to: number) =>
      publisher.send([
        {
          topic: topic.name,
          records: Array.from({ length: to - from }, (_, at) => ({
            key: 'a',
            value: Buffer.from(String(from + at)),
            headers: {},
          })),
        },
      ]);
    let release = (): void => undefined;
    const released = new Promise<void>((done) => (release = done));
    const ear = await listenTo(topic, () => released);
    await publish(0, 10);
    await until(
      () => ear.records.length,
      (count) => count === 10,
    );
    await publish(10, 100);
    await deleteBefore(connection, topic.name, 0, 80n);
    release();
    await ear.reachedEnds(new Map([[0, 100n]]));
    expect(ear.losses).toEqual([{ topic: topic.name, partition: 0, from: 10n, to: 80n, why: 'retention' }]);
    expect(ear.texts).toEqual([...Array(10).keys(), ...[...Array(20).keys()].map((at) => at + 80)].map(String));
  });

  it.each([
    ['gzip', 0],
    ['zstd', 1],
    ['lz4', 1],
    ['snappy', 1],
  ])('a batch that the broker packed with %s is read, or reported and passed', async (codec, lost) => {
    const topic = await topicOf(1, { ...KEPT, 'compression.type': codec });
    const publisher = publisherTo(topic);
    const text = 'long enough to be worth packing, packing, packing';
    await publisher.send([{ topic: topic.name, records: [{ key: 'a', value: Buffer.from(text), headers: {} }] }]);
    const ear = await listenTo(topic);
    await ear.reachedEnds(new Map([[0, 1n]]));
    const loss = { topic: topic.name, partition: 0, from: 0n, to: 1n, why: 'unreadable', detail: `codec ${codec}` };
    expect(ear.losses).toEqual(lost === 1 ? [loss] : []);
    expect(ear.texts).toEqual(lost === 1 ? [] : [text]);
  });

  /**
   * The trap of compaction (kafkajs's own consumer stands still in it for ever): the last batch of a producer with an id stays
   * when all its records are gone, and where it is the last of a segment nothing follows it there. A segment ends so when the
   * next producer's first batch does not fit any more; the bulk of lasting keys keeps the cleaner from joining segments. Our
   * own publisher has no id; others that write to our topics may.
   */
  it('a compacted log whose segments end in empty batches is read to its end', async () => {
    const settings = {
      ...APPEND_TIME,
      'cleanup.policy': 'compact',
      'segment.bytes': '1048576',
      'min.cleanable.dirty.ratio': '0.01',
    };
    const topic = await topicOf(1, settings);
    const value = Buffer.alloc(150_000, 'v');
    const keys: string[] = [];
    const kafka = new Kafka({
      clientId: connection.clientId,
      brokers: [...connection.brokers],
      retry: RETRY,
      logLevel: 0,
    });
    for (let id = 0; id < 4; id += 1) {
      const producer = kafka.producer({ idempotent: true, retry: RETRY });
      open.push(() => producer.disconnect());
      await producer.connect();
      const send = (key: string, text: Buffer | string) =>
        producer.send({ topic: topic.name, messages: [{ key, value: text }] });
      for (let batch = 0; batch < 6; batch += 1) {
        keys.push(`${id}.${batch}`);
        await send(`${id}.${batch}`, value);
      }
      await send('superseded', 'x');
    }
    await until(
      () => answersOf(connection, topic.name),
      (answers) => answers.filter((batches) => isEmpty(batches.at(-1))).length >= 2,
      { what: 'two segments end in an empty batch', withinMs: 15_000, everyMs: 200 },
    );

    const ear = await listenTo(topic);
    await ear.reachedEnds(await admin.ends(topic.name), 2_000);
    const heard = ear.records.map(({ key }) => String(key));
    expect(heard.filter((key) => key !== 'superseded')).toEqual(keys);
    expect(heard.at(-1)).toBe('superseded');
    expect(ear.losses).toEqual([]);
  });
});
