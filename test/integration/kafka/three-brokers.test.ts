import { connectAdmin, connectPublisher, type Admin, type KafkaConnection } from '@tradesense/kafka';
import type { Server, Stack } from '@tradesense/local';

import { Kafka, RETRY } from '../../../libs/kafka/src/kafkajs/library.js';
import { Ear, RECORDS_PER_S, Source, breaches } from '../../support/kafka-load.js';
import { privateStack } from '../../support/stack.js';
import { until } from '../../support/until.js';

/** `all`: each broker in turn; else one for all, since each costs seconds of waiting. */
const BROKERS = process.env['BROKERS'] === 'all' ? [0, 1, 2] : [1];
const TOPIC = { partitions: 6, settings: { 'cleanup.policy': 'delete', 'message.timestamp.type': 'LogAppendTime' } };
const PATIENCE = { withinMs: 40_000 };

describe('with three brokers, three copies and two that must have a record,', () => {
  let stack: Stack;
  let connection: KafkaConnection;
  let admin: Admin;
  let cluster: ReturnType<InstanceType<typeof Kafka>['admin']>;
  let topics = 0;
  const open: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    stack = await privateStack({
      brokers: 3,
      durable: false,
      migrated: false,
      topicPrefix: null,
      kafka: { 'broker.session.timeout.ms': '1500', 'broker.heartbeat.interval.ms': '300' },
    });
    connection = { brokers: stack.kafkaBrokers, clientId: 'test' };
    admin = connectAdmin(connection);
    cluster = new Kafka({ brokers: [...stack.kafkaBrokers], retry: RETRY, logLevel: 0 }).admin({ retry: RETRY });
    await cluster.connect();
  });
  afterEach(async () => {
    await Promise.all(open.splice(0).map((close) => close()));
  });
  afterAll(async () => {
    await Promise.all([cluster.disconnect(), admin.close()]);
    await stack.stop();
  });

  const broker = (nodeId: number): Server => stack.kafkas[nodeId - 1]!;

  const partitionsOf = async (topic: string) =>
    (await cluster.fetchTopicMetadata({ topics: [topic] })).topics.flatMap(({ partitions }) => partitions);

  /** Records flow to a new topic and back, and may be checked. */
  async function load() {
    topics += 1;
    const topic = { ...TOPIC, name: `three-${topics}` };
    await admin.ensureTopics([topic], 3);
    const ear = new Ear(connection, topic);
    open.push(() => ear.reader.stop());
    await ear.reader.start();
    const publisher = connectPublisher(connection, { topics: [topic], deadlineMs: 2_000 });
    const source = new Source(publisher, topic.name);
    open.push(() => source.stop().finally(() => publisher.close()));
    const moreArrive = async (what: string): Promise<void> => {
      const before = ear.records.length;
      await until(
        () => ear.records.length,
        (count) => count > before + RECORDS_PER_S,
        { ...PATIENCE, what: `records arrive ${what}` },
      );
    };
    await moreArrive('at first');
    const leader = async (partition: number): Promise<number> => {
      const all = await partitionsOf(topic.name);
      return all.find(({ partitionId }) => partitionId === partition)!.leader;
    };
    const isWhole = () =>
      until(
        () => partitionsOf(topic.name),
        (all) => all.every(({ isr }) => isr.length === 3),
        { ...PATIENCE, what: 'all copies are in sync' },
      );
    /** Ends the load, reads to the end and tells what is wrong. */
    const verdict = async (): Promise<readonly string[]> => {
      await source.stop();
      const ends = await admin.ends(topic.name);
      await ear.reachedEnds(ends);
      return breaches(source, ear, ends);
    };
    return { topic, source, ear, moreArrive, leader, isWhole, verdict };
  }

  it('a leader that is killed is done without; when another is too, sends are unclear until they are back', async () => {
    const { source, moreArrive, leader, isWhole, verdict } = await load();
    const first = await leader(0);
    await broker(first).kill('SIGKILL');
    await moreArrive('without its leader');
    const second = await leader(0);
    expect(second).not.toBe(first);

    await broker(second).kill('SIGKILL');
    const { acknowledged, unclear } = source;
    await until(
      () => source.unclear,
      (count) => count >= unclear + 2,
      { ...PATIENCE, what: 'sends are unclear' },
    );
    expect(source.acknowledged).toBeLessThanOrEqual(acknowledged + RECORDS_PER_S / 20); // what was under way

    await Promise.all([first, second].map((nodeId) => broker(nodeId).start()));
    await moreArrive('with enough brokers again');
    await isWhole();
    expect(await verdict()).toEqual([]);
    expect(source.acknowledged).toBe(source.sent);
  });

  it.each(BROKERS)('a clean restart of a broker is hardly felt (%i)', async (index) => {
    const { moreArrive, isWhole, verdict } = await load();
    await stack.kafkas[index]!.stop();
    await moreArrive('without it');
    await stack.kafkas[index]!.start();
    await isWhole();
    await moreArrive('with it again');
    expect(await verdict()).toEqual([]);
  });

  it('leaders move under load', async () => {
    const { topic, moreArrive, leader, verdict } = await load();
    const before = await Promise.all([leader(0), leader(1), leader(2)]);
    // Without its leader among the copies a partition gets another one; three copies come back one after the other.
    const without = before.map((old, partition) => ({
      partition,
      replicas: [1, 2, 3].filter((nodeId) => nodeId !== old),
    }));
    await cluster.alterPartitionReassignments({ topics: [{ topic: topic.name, partitionAssignment: without }] });
    await until(
      () => Promise.all([leader(0), leader(1), leader(2)]),
      (now) => now.every((nodeId, partition) => nodeId > 0 && nodeId !== before[partition]),
      { ...PATIENCE, what: 'the leaders have moved' },
    );
    await moreArrive('from new leaders');
    expect(await verdict()).toEqual([]);
  });

  it.each(BROKERS)('a broker that stands still is done without, and may go on (%i)', async (index) => {
    const { moreArrive, isWhole, verdict } = await load();
    await stack.kafkas[index]!.freeze();
    await moreArrive('while it stands');
    await stack.kafkas[index]!.thaw();
    await isWhole();
    await moreArrive('when it goes on');
    expect(await verdict()).toEqual([]);
  });
});
