import { headersOf, topicsOf } from '@tradesense/contracts';
import { partitionOf, type Ends, type IncomingRecord } from '@tradesense/kafka';
import { MemoryKafka } from '@tradesense/kafka/testing';
import { Fault, createLogger } from '@tradesense/platform';

import { Errands } from '../../../../services/relay/src/errands.js';
import { StateGuard } from '../../../../services/relay/src/states/guard.js';
import type { Row } from '../../../../services/relay/src/reading/index.js';
import { HeldClock } from '../../../support/held-clock.js';
import { relayStateRow } from '../../../support/relay-rows.js';

const { state: topic } = topicsOf('x.');
const log = createLogger({ service: 'x', instance: 'x', level: 'silent', destination: { write: () => undefined } });
const [ONE, OTHER] = ['5f0c5a51-59a4-4d0f-8f4a-2d0e1b6a0a01', '5f0c5a51-59a4-4d0f-8f4a-2d0e1b6a0a02'] as const;
const state = (position: number, aggregateid: string = ONE): Row =>
  relayStateRow({ position: BigInt(position), aggregateid });
const positionsOf = (rows: readonly Row[]): string => rows.map(({ position }) => position).join();

interface Options {
  readonly before?: readonly Row[];
  readonly limit?: number;
  readonly windowMs?: number;
  /** Before a repair is sent. */
  readonly send?: () => void;
  /** Before records are handed over. */
  readonly hold?: (records: readonly IncomingRecord[]) => Promise<void> | undefined;
}

/** A guard over a topic of states that holds some already, and an outbox that holds every row of the test. */
async function given({
  before = [],
  limit = 10,
  windowMs = 60_000,
  send = () => undefined,
  hold = () => undefined,
}: Options = {}) {
  const kafka = new MemoryKafka();
  kafka.create(topic);
  const clock = new HeldClock();
  const publisher = kafka.publisher({ topics: [topic] });
  const outbox = new Map<string, Row>();
  const store = (...rows: Row[]): Promise<Ends> => {
    for (const row of rows) outbox.set(String(row.position), row);
    const records = rows.map((row) => ({
      key: row.aggregateid,
      value: Buffer.from(row.payload),
      headers: headersOf({ ...row, position: String(row.position), time: row.created_at, userId: row.user_id }),
    }));
    return publisher.send([{ topic: topic.name, records }]);
  };
  await store(...before);
  const errands = new Errands(2);
  const leader = { isBehind: false };
  const repaired: Row[] = [];
  const counted = { repaired: 0, forgotten: 0 };
  const guard = new StateGuard({
    session: {
      query: <Found>({ values = [] }: { readonly values?: readonly unknown[] }) => {
        const row = outbox.get(String(values[1]));
        return Promise.resolve((row === undefined ? [] : [{ ...row, position: String(row.position) }]) as Found[]);
      },
    },
    open: (topics, handlers, options) => {
      const records = async (read: readonly IncomingRecord[]): Promise<void> => {
        await hold(read);
        await handlers.records(read);
      };
      return kafka.reader(topics, { ...handlers, records }, options);
    },
    topic,
    ends: await kafka.admin().ends(topic.name),
    windowMs,
    limit,
    isBehind: () => leader.isBehind,
    errands,
    sendRows: async (rows) => {
      send();
      await store(...rows);
      repaired.push(...rows);
    },
    clock,
    metrics: {
      repaired: (count) => (counted.repaired += count),
      forgotten: () => (counted.forgotten += 1),
    },
    log,
  });
  const end = new AbortController();
  const running = guard.run(end.signal);
  return {
    kafka,
    clock,
    guard,
    errands,
    leader,
    outbox,
    repaired,
    counted,
    store,
    /** As the leader does it. */
    publish: async (...rows: Row[]): Promise<void> => guard.published(rows, await store(...rows)),
    /** Time for the reader to read and the guard to decide; then what the leader does between two batches. */
    pass: async (ms: number): Promise<void> => {
      await clock.advance(ms);
      await errands.runFirst();
      await clock.advance(0);
    },
    stop: () => (end.abort(), running),
  };
}
/** A piece of the topic that is not handed over before the test says so. */
function heldBack(): [Promise<void>, () => void] {
  let goOn = (): void => undefined;
  const held = new Promise<void>((resolve) => (goOn = resolve));
  return [held, () => goOn()];
}
const isNumber = (sequence: number, record: IncomingRecord | undefined): boolean =>
  String(record?.headers.get('ce_seq')) === String(sequence);

type Scene = Awaited<ReturnType<typeof given>>;
const seconds = async ({ pass }: Scene, count: number): Promise<void> => {
  for (let second = 0; second < count; second += 1) await pass(1_000);
};

describe('the state guard', () => {
  let scene: Scene;
  afterEach(() => scene.stop());

  it('publishes the newer state again where an older one came behind it', async () => {
    scene = await given();
    await scene.publish(state(1), state(2));
    await scene.store(state(1)); // by a leader that was stopped, or a connection that was given up
    await seconds(scene, 4);
    expect(positionsOf(scene.repaired)).toBe('2');
    expect(scene.counted.repaired).toBe(1);
  });

  it('does so once: its own state is the newest again', async () => {
    scene = await given();
    await scene.publish(state(1), state(2));
    await scene.store(state(1));
    await seconds(scene, 30);
    expect(positionsOf(scene.repaired)).toBe('2');
  });

  it('leaves a repeat alone: older ones that are followed by the newer one again', async () => {
    scene = await given();
    await scene.publish(state(1), state(2));
    await scene.publish(state(1));
    await scene.pass(900);
    await scene.publish(state(2));
    await seconds(scene, 10);
    expect(scene.repaired).toEqual([]);
  });

  it('waits as long as older ones keep coming', async () => {
    scene = await given();
    await scene.publish(state(1), state(2), state(3), state(9));
    for (const position of [1, 2, 3]) {
      await scene.publish(state(position));
      await scene.pass(900);
    }
    expect(scene.repaired).toEqual([]);
    await seconds(scene, 3);
    expect(positionsOf(scene.repaired)).toBe('9');
  });

  it('compares epoch before sequence before position', async () => {
    const of = (epoch: string, sequence: string, position: number): Row => ({ ...state(position), epoch, sequence });
    scene = await given();
    await scene.publish(of('8', '1', 3));
    await scene.store(of('7', '90', 99));
    await scene.publish({ ...of('7', '5', 20), aggregateid: OTHER });
    await scene.store({ ...of('7', '5', 19), aggregateid: OTHER });
    await seconds(scene, 4);
    expect(positionsOf(scene.repaired)).toBe('3,20');
  });

  it('tells challenges apart, and does not mind what is not of our making', async () => {
    scene = await given();
    await scene.publish(state(2), state(3, OTHER));
    const publisher = scene.kafka.publisher({ topics: [topic] });
    const foreign = { value: Buffer.from('{}'), headers: { ce_epoch: 'x' } };
    await publisher.send([{ topic: topic.name, records: [{ key: ONE, ...foreign }] }]);
    await scene.store(state(1));
    await seconds(scene, 4);
    expect(positionsOf(scene.repaired)).toBe('2');
  });

  it('does not repair what the leader has published since: that would be the older state itself', async () => {
    const [held, goOn] = heldBack();
    scene = await given({ hold: ([record]) => (isNumber(3, record) ? held : undefined) });
    await scene.publish(state(1), state(2));
    await scene.store(state(1));
    await scene.clock.advance(2_000); // decided, but the leader is still busy
    await scene.publish(state(3));
    await scene.errands.runFirst();
    expect(scene.repaired).toEqual([]);
    goOn();
  });

  it('goes by identity: another row at that position is not the newer state', async () => {
    scene = await given();
    await scene.publish(state(1), state(2));
    await scene.store(state(1));
    scene.outbox.set('2', { ...state(2), epoch: '99' });
    await seconds(scene, 4);
    expect(scene.repaired).toEqual([]);
  });

  it('does not bring back a state that was taken out', async () => {
    scene = await given();
    await scene.publish(state(2));
    const publisher = scene.kafka.publisher({ topics: [topic] });
    await publisher.send([{ topic: topic.name, records: [{ key: ONE, value: null, headers: {} }] }]);
    await scene.store(state(1));
    await seconds(scene, 4);
    expect(scene.repaired).toEqual([]);
  });

  it('is done again by the leader when its send was unclear, and given up when Kafka refuses it', async () => {
    const faults = [
      new Fault('publish-unclear', 'wait', 'no answer'),
      new Fault('record-refused', 'park', 'too large'),
    ];
    scene = await given({
      send: () => {
        const fault = faults.shift();
        if (fault !== undefined) throw fault;
      },
    });
    await scene.publish(state(1), state(2));
    await scene.store(state(1));
    await scene.clock.advance(2_000);
    await expect(scene.errands.runFirst()).rejects.toThrow('no answer');
    await scene.errands.runFirst();
    expect([faults.length, scene.repaired.length, scene.counted.repaired]).toEqual([0, 0, 0]);
    await scene.store(state(1));
    await seconds(scene, 4);
    expect(positionsOf(scene.repaired)).toBe('2');
  });

  it('keeps a bounded number of challenges in mind, the latest, and counts the others', async () => {
    scene = await given({ limit: 1 });
    await scene.publish(state(2));
    await scene.clock.advance(0);
    await scene.publish(state(4, OTHER));
    await scene.clock.advance(0);
    await scene.store(state(3, OTHER));
    await seconds(scene, 4);
    await scene.store(state(1));
    await seconds(scene, 4);
    expect([positionsOf(scene.repaired), scene.counted.forgotten]).toEqual(['4', 2]);
  });

  it('decides nothing before it has read all that was acknowledged when the older one came', async () => {
    const [[older, readOlder], [newer, readNewer]] = [heldBack(), heldBack()];
    scene = await given({
      hold: ([record]) =>
        isNumber(3, record) ? newer : isNumber(1, record) && record!.offset > 0n ? older : undefined,
    });
    await scene.publish(state(1), state(2));
    await scene.clock.advance(0);
    await scene.store(state(1));
    await scene.publish(state(3));
    readOlder();
    await seconds(scene, 10);
    expect(scene.repaired).toEqual([]);
    readNewer();
    await seconds(scene, 4);
    expect(scene.repaired).toEqual([]);
  });

  it('is not held up by what is acknowledged all the time, of other challenges or in other partitions', async () => {
    scene = await given();
    await scene.publish(state(1), state(2));
    await scene.store(state(1));
    await scene.clock.advance(0);
    const ends = Array.from({ length: topic.partitions }, (_, partition) => [partition, 1_000n] as const);
    scene.guard.published([], new Map([[topic.name, new Map(ends)]]));
    await seconds(scene, 4);
    expect(positionsOf(scene.repaired)).toBe('2');
  });

  it('reads nothing while rows wait for the leader, for a minute at most', async () => {
    scene = await given();
    scene.leader.isBehind = true;
    await scene.publish(state(1), state(2));
    await scene.store(state(1));
    await seconds(scene, 50);
    expect(scene.repaired).toEqual([]);
    await seconds(scene, 15);
    expect(positionsOf(scene.repaired)).toBe('2');

    scene.leader.isBehind = false;
    await scene.store(state(1));
    await seconds(scene, 1);
    scene.leader.isBehind = true; // and now from the beginning again
    await scene.store(state(1));
    await seconds(scene, 4);
    const before = scene.repaired.length;
    await scene.store(state(1));
    await seconds(scene, 40);
    expect(scene.repaired).toHaveLength(before);
    scene.leader.isBehind = false;
    await seconds(scene, 4);
    expect(scene.repaired.length).toBeGreaterThan(before);
  });

  it('knows what was read before it was acknowledged: an older one behind it is older still', async () => {
    scene = await given();
    const ends = await scene.store(state(2));
    await scene.store(state(1));
    await scene.clock.advance(0);
    scene.guard.published([state(2)], ends); // the answer comes last
    await seconds(scene, 4);
    expect(positionsOf(scene.repaired)).toBe('2');
  });

  it('waits where more errands wait than there is room for', async () => {
    scene = await given();
    while (!scene.errands.isFull) scene.errands.add(() => Promise.resolve());
    await scene.publish(state(1), state(2));
    await scene.store(state(1));
    await scene.clock.advance(5_000);
    await seconds(scene, 6);
    expect(positionsOf(scene.repaired)).toBe('2');
  });

  describe('over its window', () => {
    it('reads nothing more, and begins again with an unclear send, where the topic ended before it', async () => {
      scene = await given({ windowMs: 5_000 });
      await scene.publish(state(1), state(2), state(5, OTHER));
      await seconds(scene, 6);
      await scene.publish(state(6, OTHER));
      await scene.store(state(1), state(5, OTHER));
      await scene.publish(state(2));
      await seconds(scene, 6);
      expect(scene.repaired).toEqual([]); // too late for a window that was not opened again

      scene.guard.unclear();
      await scene.publish(state(3)); // repeated from the floor, and acknowledged
      await scene.store(state(2)); // what was unclear comes now
      await seconds(scene, 4);
      expect(positionsOf(scene.repaired)).toBe('3');
    });

    it('stays open for what is not repaired yet', async () => {
      scene = await given({ windowMs: 1_000 });
      await scene.publish(state(1), state(2));
      await scene.pass(900);
      await scene.store(state(1));
      await seconds(scene, 5);
      expect(positionsOf(scene.repaired)).toBe('2');
    });
  });

  it('begins at the ends it was told: what lies before was repeated, if it had to be', async () => {
    scene = await given({ before: [state(1), state(3)] });
    await scene.publish(state(2));
    await seconds(scene, 4);
    expect(scene.repaired).toEqual([]);
  });

  it('survives a reader that fails, and goes on from where it was', async () => {
    scene = await given();
    await scene.publish(state(1), state(2));
    await scene.clock.advance(1_000);
    const partition = partitionOf(ONE, topic.partitions);
    const { headers } = scene.kafka.log(topic.name, partition).records[0]!;
    // What no record can be, so that the handler throws.
    scene.kafka.log(topic.name, partition).append({ timestampMs: 0, key: 7 as never, value: null, headers });
    scene.kafka.changed();
    await seconds(scene, 2);
    scene.kafka.log(topic.name, partition).remove(2n);
    await scene.store(state(1));
    await seconds(scene, 6);
    expect(positionsOf(scene.repaired)).toBe('2');
  });
});
