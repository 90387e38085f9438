import { connectPublisher, partitionOf, type Ends, type OutgoingRecord, type Publisher } from '@tradesense/kafka';
import { faultOf, type Fault } from '@tradesense/platform';

import { batchesOf } from '../../../libs/kafka/src/protocol/record-batch.js';
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

/** What a send answers, by partition. */
const endsOf = (...ends: readonly bigint[]): Ends =>
  new Map([[TOPIC.name, new Map(ends.map((end, partition) => [partition, end]))]]);

describe('a publisher before brokers that misbehave', () => {
  let cluster: StubCluster;
  let publisher: Publisher;

  const connect = (deadlineMs = DEADLINE_MS): Publisher =>
    connectPublisher({ brokers: cluster.brokers, clientId: 'test' }, { topics: [TOPIC], deadlineMs });
  /** Partition 0 led by the first broker, partition 1 by the second. */
  const split = (): unknown => cluster.leaders.set(`${TOPIC.name}/1`, 2);
  const textsOf = (partition: number): string[] =>
    cluster
      .log(TOPIC.name, partition)
      .batches.flatMap(({ bytes }) =>
        [...batchesOf(bytes)].flatMap((found) =>
          found.is === 'readable' ? found.records.map(({ value }) => String(value)) : ['unreadable'],
        ),
      );

  beforeEach(async () => {
    cluster = await StubCluster.start(2, { [TOPIC.name]: TOPIC.partitions });
    publisher = connect();
  });
  afterEach(async () => {
    await publisher.close();
    await cluster.stop();
  });

  it('asks each leading broker once per send, all at the same time', async () => {
    split();
    const patient = connect(5_000);
    const asked = new Set<number>();
    let release = (): void => undefined;
    const bothAsked = new Promise<void>((resolve) => (release = resolve));
    cluster.hold = ({ node, api }) => {
      if (api !== API.produce) return undefined;
      if (asked.add(node).size === 2) release();
      return bothAsked; // neither is answered before both have been asked
    };
    const ends = await patient.send(batch(record(0, 'a'), record(1, 'b'), record(0, 'c'), record(1, 'd')));
    expect(ends).toEqual(endsOf(2n, 2n));
    expect([cluster.countOf(API.produce, 1), cluster.countOf(API.produce, 2)]).toEqual([1, 1]);
    expect([textsOf(0), textsOf(1)]).toEqual([
      ['a', 'c'],
      ['b', 'd'],
    ]);
    await patient.close();
  });

  it('keeps its connections from send to send', async () => {
    for (const text of ['a', 'b', 'c']) await publisher.send(batch(record(0, text)));
    expect([cluster.countOf(API.metadata), cluster.countOf(API.produce)]).toEqual([1, 3]);
    expect(cluster.connections).toBe(1);
  });

  it('does not take a send for stored when a leader moved to a broker that had answered (pitfall K3)', async () => {
    split();
    cluster.react = ({ node, api }) => {
      if (node !== 2 || api !== API.produce) return 'answer';
      cluster.leaders.set(`${TOPIC.name}/1`, 1);
      return 6; // not the leader
    };
    const fault = await faultOfSend(publisher.send(batch(record(0, 'a'), record(1, 'b'))));
    expect(fault).toMatchObject({ code: 'publish-unclear', remedy: 'wait' });
    expect(fault.message).toContain('events[1]: NOT_LEADER_OR_FOLLOWER');
    expect(cluster.log(TOPIC.name, 1).end).toBe(0n);

    const ends = await publisher.send(batch(record(0, 'a'), record(1, 'b')));
    expect(ends).toEqual(endsOf(2n, 1n));
    expect(cluster.countOf(API.produce, 2)).toBe(1);
  });

  it('does not take for stored what an answer leaves out (pitfall K3)', async () => {
    cluster.omit = ({ partition }) => partition === 1;
    const fault = await faultOfSend(publisher.send(batch(record(0, 'a'), record(1, 'b'))));
    expect(fault).toMatchObject({ code: 'publish-unclear', remedy: 'wait' });
    expect(fault.message).toContain('events[1] is missing');
  });

  it.each(['silence', 'hang up'] as const)(
    'stores the next send of the same size when an answer was lost (%s, pitfall K1)',
    async (reaction) => {
      await publisher.send(batch(record(0, 'a'), record(0, 'b')));
      cluster.stores = true;
      cluster.react = ({ api }) => (api === API.produce ? reaction : 'answer');
      const fault = await faultOfSend(publisher.send(batch(record(0, 'c'), record(0, 'd'))));
      expect(fault).toMatchObject({ code: 'publish-unclear', remedy: 'wait' });
      cluster.react = () => 'answer';
      expect(await publisher.send(batch(record(0, 'e'), record(0, 'f')))).toEqual(endsOf(6n));
      expect(textsOf(0)).toEqual(['a', 'b', 'c', 'd', 'e', 'f']);
    },
  );

  it('cuts all connections of a send that is unclear, and lets nothing of it out later (pitfall K5)', async () => {
    split();
    await publisher.send(batch(record(0, 'a'), record(1, 'b')));
    cluster.react = ({ node, api }) => (node === 1 && api === API.produce ? 'silence' : 'answer');
    const giveUp = new AbortController();
    const sending = faultOfSend(publisher.send(batch(record(0, 'c')), giveUp.signal));
    await until(
      () => cluster.countOf(API.produce, 1),
      (count) => count === 2,
    );
    giveUp.abort();
    expect(await sending).toMatchObject({ code: 'publish-unclear', message: 'given up by the caller' });
    await until(
      () => cluster.connections,
      (count) => count === 0,
    );
    const before = cluster.calls.length;
    cluster.react = () => 'answer';
    await publisher.send(batch(record(1, 'd')));
    const later = cluster.calls.slice(before).filter(({ api }) => api === API.produce);
    expect(later.map(({ node }) => node)).toEqual([2]);
    expect([textsOf(0), textsOf(1)]).toEqual([['a'], ['b', 'd']]);
  });

  it('lets nothing out of a send that is given up before its connection stands', async () => {
    cluster.react = ({ api }) => (api === API.metadata ? 'silence' : 'answer');
    const giveUp = new AbortController();
    const sending = faultOfSend(publisher.send(batch(record(0, 'a')), giveUp.signal));
    await until(
      () => cluster.countOf(API.metadata),
      (count) => count === 1,
    );
    cluster.react = () => 'answer';
    giveUp.abort();
    expect(await sending).toMatchObject({ code: 'publish-unclear' });
    await publisher.send(batch(record(0, 'b')));
    expect(textsOf(0)).toEqual(['b']);
  });

  it('fails at once where one broker fails, however long another is silent', async () => {
    split();
    const patient = connect(60_000);
    cluster.react = ({ node, api }) => (api !== API.produce ? 'answer' : node === 1 ? 'silence' : 6);
    const fault = await faultOfSend(patient.send(batch(record(0, 'a'), record(1, 'b'))));
    expect(fault.message).toContain('events[1]');
    await until(
      () => cluster.connections,
      (count) => count === 0,
    );
    await patient.close();
  });

  it('tells a refusal only when all brokers have answered, and keeps its connections', async () => {
    split();
    const patient = connect(5_000);
    await patient.send(batch(record(0, 'a'), record(1, 'b')));
    let isFirstAnswered = false;
    cluster.react = ({ node, api }) => {
      if (api !== API.produce) return 'answer';
      if (node === 2) return 10; // too large
      return 'answer';
    };
    cluster.hold = async ({ node, api }) => {
      if (node !== 1 || api !== API.produce) return;
      await until(
        () => cluster.countOf(API.produce, 2),
        (count) => count === 2,
      );
      await new Promise((resolve) => setImmediate(resolve));
      isFirstAnswered = true;
    };
    const fault = await faultOfSend(patient.send(batch(record(0, 'c'), record(1, 'd'))));
    expect(fault).toMatchObject({ code: 'record-refused', remedy: 'park' });
    expect(isFirstAnswered).toBe(true);
    cluster.react = () => 'answer';
    expect(await patient.send(batch(record(0, 'e'), record(1, 'f')))).toEqual(endsOf(3n, 2n));
    expect(cluster.countOf(API.metadata)).toBe(1);
    await patient.close();
  });

  it('calls a send unclear of which one broker refuses a record and another has no answer', async () => {
    split();
    cluster.react = ({ node, api }) => (api !== API.produce ? 'answer' : node === 1 ? 10 : 7);
    const fault = await faultOfSend(publisher.send(batch(record(0, 'a'), record(1, 'b'))));
    expect(fault).toMatchObject({ code: 'publish-unclear', remedy: 'wait' });
  });

  it('has an outcome within its deadline when nobody answers', async () => {
    cluster.react = () => 'silence';
    const before = performance.now();
    const fault = await faultOfSend(publisher.send(batch(record(0, 'a'))));
    expect(fault).toMatchObject({ code: 'publish-unclear', remedy: 'wait' });
    expect(performance.now() - before).toBeLessThan(DEADLINE_MS + 5_000);
  });

  it('has an outcome within its deadline when the leader takes the records and says nothing', async () => {
    cluster.react = ({ api }) => (api === API.produce ? 'silence' : 'answer');
    const fault = await faultOfSend(publisher.send(batch(record(0, 'a'))));
    expect(fault).toMatchObject({ code: 'publish-unclear', message: `no outcome within ${DEADLINE_MS} ms` });
  });

  it('finds its way past a broker that is dumb, within one deadline', async () => {
    const patient = connect(6_000);
    cluster.react = ({ node, api }) => (node === 2 && api === API.apiVersions ? 'silence' : 'answer');
    for (let send = 0; send < 4; send += 1) {
      await patient.send(batch(record(0, 'a')));
      cluster.hangUp();
      await until(
        () => cluster.connections,
        (count) => count === 0,
      );
    }
    await patient.close();
  }, 30_000);

  it('connects anew when the broker has closed the connection meanwhile', async () => {
    await publisher.send(batch(record(0, 'a')));
    cluster.hangUp();
    await until(
      () => cluster.connections,
      (count) => count === 0,
    );
    const outcome = await publisher.send(batch(record(0, 'b'))).catch((error: unknown) => faultOf(error).remedy);
    if (outcome === 'wait') await publisher.send(batch(record(0, 'b'))); // it had not heard of it yet
    expect(textsOf(0)).toEqual(['a', 'b']);
  });

  it('waits for a leader, and names the partition that has none', async () => {
    cluster.leaders.set(`${TOPIC.name}/0`, -1);
    expect(await faultOfSend(publisher.send(batch(record(0, 'a'))))).toMatchObject({
      code: 'publish-unclear',
      message: 'events[0] has no leader',
    });
    cluster.leaders.set(`${TOPIC.name}/0`, 2);
    expect(await publisher.send(batch(record(0, 'a')))).toEqual(endsOf(1n));
  });

  it('sends to the partitions that have a leader', async () => {
    cluster.leaders.set(`${TOPIC.name}/1`, -1);
    expect(await publisher.send(batch(record(0, 'a')))).toEqual(endsOf(1n));
  });

  it('waits for a topic that is missing, and names it', async () => {
    cluster.topics.delete(TOPIC.name);
    const fault = await faultOfSend(publisher.send(batch(record(0, 'a'))));
    expect(fault).toMatchObject({ code: 'publish-unclear', remedy: 'wait' });
    expect(fault.message).toContain('events: UNKNOWN_TOPIC_OR_PARTITION');
    cluster.topics.set(TOPIC.name, TOPIC.partitions);
    expect(await publisher.send(batch(record(0, 'a')))).toEqual(endsOf(1n));
  });

  it('stops before a topic with another partition count, and sends nothing (pitfall K10)', async () => {
    cluster.topics.set(TOPIC.name, 3);
    const fault = await faultOfSend(publisher.send(batch(record(0, 'a'))));
    expect(fault).toMatchObject({ code: 'partition-count', remedy: 'stop' });
    expect(fault.message).toBe('topic events has 3 partitions, configured are 2');
    expect(cluster.countOf(API.produce)).toBe(0);
  });

  it('waits before a broker that does not speak its version, and says so', async () => {
    cluster.versions.set(API.produce, 7);
    expect(await faultOfSend(publisher.send(batch(record(0, 'a'))))).toMatchObject({
      code: 'publish-unclear',
      message: 'the broker does not offer Produce v8',
    });
  });

  it('stays away for as long as a quota wants, beside its deadline', async () => {
    const hasty = connect(400);
    cluster.throttleMs = 900;
    await hasty.send(batch(record(0, 'a')));
    cluster.throttleMs = 0;
    const before = performance.now();
    await hasty.send(batch(record(0, 'b')));
    expect(performance.now() - before).toBeGreaterThan(800);
    await hasty.close();
  });

  it('can be given up or closed while a quota keeps it away', async () => {
    cluster.throttleMs = 60_000;
    await publisher.send(batch(record(0, 'a')));
    const giveUp = new AbortController();
    const sending = faultOfSend(publisher.send(batch(record(0, 'b')), giveUp.signal));
    giveUp.abort();
    expect(await sending).toMatchObject({ code: 'publish-unclear', message: 'given up before it was sent' });
    const other = faultOfSend(publisher.send(batch(record(0, 'c'))));
    await publisher.close();
    expect(await other).toMatchObject({ code: 'publisher-closed', remedy: 'stop' });
    expect(textsOf(0)).toEqual(['a']);
  });

  it.each([
    ['cut short', (body: Buffer) => body.subarray(0, body.length - 9)],
    ['of nothing', () => Buffer.alloc(0)],
    ['without an offset', (body: Buffer) => (body.writeBigInt64BE(-1n, 22), body)],
    ['of ones', (body: Buffer) => Buffer.alloc(body.length, 0xff)],
    ['for another topic', (body: Buffer) => Buffer.from(body.toString('latin1').replace('events', 'ebents'), 'latin1')],
  ])('takes an answer %s for none', async (_, garble) => {
    cluster.garble = ({ api }, body) => (api === API.produce ? garble(body) : body);
    const fault = await faultOfSend(publisher.send(batch(record(0, 'a'))));
    expect(fault).toMatchObject({ code: 'publish-unclear', remedy: 'wait' });
    cluster.garble = (_call, body) => body;
    expect(await publisher.send(batch(record(0, 'a')))).toEqual(endsOf(2n));
  });

  it.each([
    [2, 'CORRUPT_MESSAGE'],
    [10, 'MESSAGE_TOO_LARGE'],
    [18, 'RECORD_LIST_TOO_LARGE'],
    [32, 'INVALID_TIMESTAMP'],
    [43, 'UNSUPPORTED_FOR_MESSAGE_FORMAT'],
    [87, 'INVALID_RECORD'],
  ])('parks what the broker refuses for itself (code %i)', async (code, name) => {
    cluster.react = ({ api }) => (api === API.produce ? code : 'answer');
    const fault = await faultOfSend(publisher.send(batch(record(0, 'a'))));
    expect(fault).toMatchObject({ code: 'record-refused', remedy: 'park' });
    expect(fault.message).toBe(`the broker refused a record: ${name} (events[0])`);
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

  it('leaves no connection and no timer behind', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((what) => what === 'Timeout').length;
    const before = timers();
    await publisher.send(batch(record(0, 'a')));
    await until(timers, (count) => count <= before);
    await publisher.close();
    await until(
      () => cluster.connections,
      (count) => count === 0,
    );
  });

  it('ends a send that is outstanding when it is closed', async () => {
    cluster.react = ({ api }) => (api === API.produce ? 'silence' : 'answer');
    const sending = faultOfSend(publisher.send(batch(record(0, 'a'))));
    await until(
      () => cluster.countOf(API.produce),
      (count) => count === 1,
    );
    await publisher.close();
    expect(await sending).toMatchObject({ code: 'publish-unclear', remedy: 'wait' });
  });
});
