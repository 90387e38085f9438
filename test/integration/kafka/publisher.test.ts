import { partitionOf, type OutgoingRecord, type Publisher } from '@tradesense/kafka';
import { faultOf, type Fault } from '@tradesense/platform';

import { KafkaPublisher } from '../../../libs/kafka/src/kafkajs/publisher.js';
import { API, StubCluster } from '../../support/stub-cluster.js';
import { until } from '../../support/until.js';

const TOPIC = { name: 'events', partitions: 2 };
const DEADLINE_MS = 500;
/** One key for each of the two partitions. */
const KEYS = [0, 1].map((partition) => {
  for (let key = 0; ; key += 1) if (partitionOf(String(key), TOPIC.partitions) === partition) return String(key);
});
const record = (partition: number, text: string): OutgoingRecord => ({
  key: KEYS[partition] ?? null,
  value: Buffer.from(text),
  headers: {},
});
const batch = (...records: OutgoingRecord[]) => [{ topic: TOPIC.name, records }];

async function faultOfSend(work: Promise<unknown>): Promise<Fault> {
  try {
    await work;
  } catch (error) {
    return faultOf(error);
  }
  throw new Error('it did not fail');
}

describe('a publisher before brokers that misbehave', () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((what) => what === 'Timeout').length;
  let timersBefore: number;
  let cluster: StubCluster;
  let publisher: Publisher;

  beforeAll(() => {
    timersBefore = timers();
  });
  // A producer that was given up while kafkajs waited for its next attempt ends with that attempt.
  afterAll(() => until(timers, (count) => count <= timersBefore, { withinMs: 4_000 }));

  beforeEach(async () => {
    cluster = await StubCluster.start(2, { [TOPIC.name]: TOPIC.partitions });
    publisher = new KafkaPublisher(
      { brokers: cluster.brokers, clientId: 'test' },
      { topics: [TOPIC], deadlineMs: DEADLINE_MS },
    );
  });
  afterEach(async () => {
    await publisher.close();
    await cluster.stop();
  });

  it('does not take a send for stored whose records kafkajs left out (pitfall K3)', async () => {
    cluster.leaders.set(`${TOPIC.name}/1`, 2);
    cluster.react = ({ node, api }) => {
      if (node !== 2 || api !== API.produce) return 'answer';
      cluster.leaders.set(`${TOPIC.name}/1`, 1); // to the broker that has answered this send already
      return 6; // not the leader
    };
    const fault = await faultOfSend(publisher.send(batch(record(0, 'a'), record(1, 'b'))));
    expect(fault).toMatchObject({ code: 'publish-unclear', remedy: 'wait' });
    expect(fault.message).toContain('events[1] is missing');
    expect(cluster.log(TOPIC.name, 1).end).toBe(0n);

    const ends = await publisher.send(batch(record(0, 'a'), record(1, 'b')));
    expect(ends).toEqual(
      new Map([
        [
          TOPIC.name,
          new Map([
            [0, 2n],
            [1, 1n],
          ]),
        ],
      ]),
    );
  });

  it('takes a new producer id after a send without an outcome (pitfall K1)', async () => {
    await publisher.send(batch(record(0, 'a')));
    await publisher.send(batch(record(0, 'b')));
    expect(cluster.countOf(API.initProducerId)).toBe(1);
    cluster.react = ({ api }) => (api === API.produce ? 'silence' : 'answer');
    const fault = await faultOfSend(publisher.send(batch(record(0, 'c'))));
    expect(fault).toMatchObject({ code: 'publish-unclear', remedy: 'wait' });
    cluster.react = () => 'answer';
    await publisher.send(batch(record(0, 'd')));
    expect(cluster.countOf(API.initProducerId)).toBe(2);
  });

  it('lets nothing more out of a producer that was given up (pitfall K5)', async () => {
    await publisher.send(batch(record(0, 'a')));
    cluster.react = ({ api }) => (api === API.produce ? 6 : 'answer'); // which kafkajs goes on to retry
    const giveUp = new AbortController();
    const sending = faultOfSend(publisher.send(batch(record(0, 'b')), giveUp.signal));
    await until(
      () => cluster.countOf(API.produce),
      (count) => count >= 2,
    );
    giveUp.abort();
    expect(await sending).toMatchObject({ code: 'publish-unclear', message: 'given up by the caller' });
    cluster.react = () => 'answer';
    await until(
      () => cluster.connections,
      (count) => count === 0,
    );
    const before = cluster.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 600)); // longer than kafkajs waits between two attempts
    expect(cluster.calls.length).toBe(before);
    expect(cluster.log(TOPIC.name, 0).end).toBe(1n);
  });

  it('has an outcome within its deadline when nobody answers', async () => {
    cluster.react = () => 'silence';
    const before = performance.now();
    const fault = await faultOfSend(publisher.send(batch(record(0, 'a'))));
    expect(fault).toMatchObject({ code: 'publish-unclear', message: `no outcome within ${DEADLINE_MS} ms` });
    expect(performance.now() - before).toBeLessThan(DEADLINE_MS + 5_000);
  });

  it.each([
    [2, 'CORRUPT_MESSAGE'],
    [10, 'MESSAGE_TOO_LARGE'],
    [18, 'RECORD_LIST_TOO_LARGE'],
    [32, 'INVALID_TIMESTAMP'],
    [87, 'INVALID_RECORD'],
  ])('parks what the broker refuses for itself (code %i)', async (code, name) => {
    publisher = new KafkaPublisher({ brokers: cluster.brokers, clientId: 'test' }, { topics: [TOPIC] });
    cluster.react = ({ api }) => (api === API.produce ? code : 'answer');
    const fault = await faultOfSend(publisher.send(batch(record(0, 'a'))));
    expect(fault).toMatchObject({ code: 'record-refused', remedy: 'park' });
    expect(fault.message).toContain(name);
  });

  it.each([
    [3, 'unknown topic'],
    [7, 'request timed out'],
    [19, 'not enough replicas'],
    [29, 'not authorised'],
    [44, 'policy violation'],
    [45, 'out of order sequence'],
    [46, 'duplicate sequence'],
    [1234, 'a code of the future'],
  ])('waits with everything else (code %i, %s)', async (code) => {
    cluster.react = ({ api }) => (api === API.produce ? code : 'answer');
    const fault = await faultOfSend(publisher.send(batch(record(0, 'a'))));
    expect(fault).toMatchObject({ code: 'publish-unclear', remedy: 'wait' });
  });

  it('leaves no connection behind', async () => {
    await publisher.send(batch(record(0, 'a')));
    await publisher.close();
    await until(
      () => cluster.connections,
      (count) => count === 0,
    );
  });
});
