import { headersOf, topicsOf } from '@tradesense/contracts';
import type { IncomingRecord } from '@tradesense/kafka';
import { MemoryKafka } from '@tradesense/kafka/testing';
import { Fault, createLogger } from '@tradesense/platform';

import { Errands } from '../../../../services/relay/src/errands.js';
import { StateSweep } from '../../../../services/relay/src/states/sweep.js';
import { HeldClock } from '../../../support/held-clock.js';
import { relayStateRow } from '../../../support/relay-rows.js';
import { until } from '../../../support/until.js';

const { state: topic } = topicsOf('x.');
const log = createLogger({ service: 'x', instance: 'x', level: 'silent', destination: { write: () => undefined } });
const DAY_MS = 86_400_000;
const EVERY_MS = 240_000;
const idOf = (challenge: number): string => `5f0c5a51-59a4-4d0f-8f4a-${String(challenge).padStart(12, '0')}`;

interface Facts {
  readonly epoch?: number;
  readonly position?: number;
  /** Days before now; undefined: still open. */
  readonly closed?: number;
}

interface Options {
  readonly endsNow?: () => Promise<ReadonlyMap<number, bigint>>;
  readonly before?: (scene: { state: (challenge: number, facts?: Facts) => Promise<void> }) => Promise<void>;
  /** Of the database. */
  readonly stream?: { epoch: bigint; swept: bigint };
  readonly cleared?: string | null;
  readonly lastPosition?: number;
  readonly send?: () => void;
  readonly scanned?: (records: readonly IncomingRecord[]) => Promise<void> | void;
}

async function given({
  stream = { epoch: 8n, swept: 8n },
  cleared = '8',
  lastPosition = 0,
  send = () => undefined,
  scanned = () => undefined,
  before = () => Promise.resolve(),
  endsNow,
}: Options = {}) {
  const kafka = new MemoryKafka();
  kafka.create(topic);
  const clock = new HeldClock();
  const publisher = kafka.publisher({ topics: [topic] });
  const state = async (challenge: number, { epoch = 8, position = 1, closed }: Facts = {}): Promise<void> => {
    const row = relayStateRow({ position: BigInt(position), epoch: String(epoch), aggregateid: idOf(challenge) });
    const closedAt = closed === undefined ? null : new Date(clock.now() - closed * DAY_MS).toISOString();
    const record = {
      key: row.aggregateid,
      value: Buffer.from(JSON.stringify({ challenge_id: row.aggregateid, closed_at: closedAt })),
      headers: headersOf({ ...row, position: String(position), time: row.created_at, userId: row.user_id }),
    };
    await publisher.send([{ topic: topic.name, records: [record] }]);
  };
  await before({ state });
  const errands = new Errands(2);
  const database = { cleared, saved: [] as unknown[], isLeader: true };
  const counted = { epoch: 0, closed: 0 };
  const leader = { floor: 0n };
  const sweep = new StateSweep({
    session: {
      query: <Found>({ text, values = [] }: { readonly text: string; readonly values?: readonly unknown[] }) => {
        if (text.includes('max(o.position)')) return Promise.resolve([{ position: String(lastPosition) }] as Found[]);
        if (!text.includes('update')) return Promise.resolve([{ swept: database.cleared }] as Found[]);
        database.saved.push(values[2]);
        return Promise.resolve((database.isLeader ? [{ swept: String(values[2]) }] : []) as Found[]);
      },
    },
    leader: { owner: 'me', generation: 3n },
    open: (topics, handlers, options) => {
      const records = async (read: readonly IncomingRecord[]): Promise<void> => {
        await scanned(read);
        await handlers.records(read);
      };
      return kafka.reader(topics, { ...handlers, records }, options);
    },
    topic,
    endsNow: endsNow ?? (() => kafka.admin().ends(topic.name)),
    stream,
    floor: () => leader.floor,
    errands,
    sendRecords: async (records) => {
      send();
      await publisher.send(records);
    },
    everyMs: EVERY_MS,
    closedMs: 30 * DAY_MS,
    now: () => clock.now(),
    clock,
    metrics: { tombstoned: (why, states) => (counted[why] += states) },
    log,
  });
  const end = new AbortController();
  const running = sweep.run(end.signal);
  return {
    kafka,
    clock,
    sweep,
    errands,
    database,
    counted,
    leader,
    stream,
    state,
    /** What the leader does between two batches, again and again. */
    pass: async (seconds: number): Promise<void> => {
      for (let second = 0; second < seconds; second += 1) {
        await clock.advance(1_000);
        await errands.runFirst();
      }
      await clock.advance(0);
    },
    /** Challenges of which the last record has no value. */
    tombstones: (): readonly number[] => {
      const last = new Map<string, IncomingRecord>();
      for (const one of kafka.logs(topic.name)!) for (const record of one.records) last.set(String(record.key), record);
      return [...last]
        .filter(([, { value }]) => value === null)
        .map(([id]) => Number(id.slice(-12)))
        .sort((a, b) => a - b);
    },
    stop: () => (end.abort(), running),
  };
}
type Scene = Awaited<ReturnType<typeof given>>;

describe('states of an earlier epoch', () => {
  let scene: Scene;
  afterEach(() => scene.stop());
  const raised = { cleared: '7' };
  const old = { epoch: 7 };

  it('get a tombstone once the epoch is swept; those that have a state of the new one keep it', async () => {
    scene = await given({
      ...raised,
      before: async ({ state }) => {
        for (const challenge of [1, 2, 3]) await state(challenge, old);
        await state(2);
        await state(4);
      },
    });
    await scene.pass(5);
    expect(scene.tombstones()).toEqual([1, 3]);
    expect([scene.counted.epoch, scene.database.saved]).toEqual([2, [8n]]);
  });

  it('are left alone while the sweep of the trade service is under way, or was done before', async () => {
    scene = await given({
      stream: { epoch: 9n, swept: 8n },
      cleared: '7',
      before: ({ state }) => state(1, old),
    });
    await scene.pass(5);
    expect(scene.tombstones()).toEqual([]);
    scene.stream.swept = 9n;
    await scene.pass(5);
    expect(scene.tombstones()).toEqual([1]);
    await scene.state(2, old);
    await scene.pass(100);
    expect(scene.tombstones()).toEqual([1]);
  });

  it('wait for the floor to pass the last row that could be seen: then the new states are in Kafka (W1)', async () => {
    scene = await given({ ...raised, lastPosition: 90, before: ({ state }) => state(1, old) });
    scene.leader.floor = 89n;
    await scene.pass(20);
    expect(scene.tombstones()).toEqual([]);
    await scene.state(1, { position: 90 });
    scene.leader.floor = 90n;
    await scene.pass(5);
    expect([scene.tombstones(), scene.database.saved]).toEqual([[], [8n]]);
  });

  it('keep what was published since the scan began (W2)', async () => {
    scene = await given({
      ...raised,
      before: async ({ state }) => {
        await state(1, old);
        await state(2, old);
      },
    });
    await scene.clock.advance(3_000); // scanned, and the tombstones wait for the leader
    await scene.state(1);
    scene.sweep.published([{ aggregatetype: 'challenge-state', aggregateid: idOf(1) }]);
    scene.sweep.published([{ aggregatetype: 'challenge-events', aggregateid: idOf(2) }]);
    await scene.pass(2);
    expect([scene.tombstones(), scene.counted.epoch]).toEqual([[2], 1]);
  });

  it('are taken out 500 at a time, between two batches', async () => {
    scene = await given({
      ...raised,
      before: async ({ state }) => {
        for (let challenge = 0; challenge < 1_001; challenge += 1) await state(challenge, old);
      },
    });
    await scene.clock.advance(1_000);
    for (const count of [500, 1_000, 1_001]) {
      const afterErrand = () => scene.errands.runFirst().then(() => scene.tombstones().length);
      expect(await until(afterErrand, (taken) => taken >= count)).toBe(count);
    }
  });

  it('do not count as done where another leads by now: it will do them again', async () => {
    scene = await given({ ...raised, before: ({ state }) => state(1, old) });
    scene.database.isLeader = false;
    await scene.pass(10);
    expect(scene.database.saved.length).toBeGreaterThan(1);
  });

  it('are tried again when Kafka did not answer, and stay where it refuses', async () => {
    const faults = [new Fault('publish-unclear', 'wait', 'no answer'), new Fault('record-refused', 'park', 'no')];
    scene = await given({
      ...raised,
      before: ({ state }) => state(1, old),
      send: () => {
        const fault = faults.shift();
        if (fault !== undefined) throw fault;
      },
    });
    await scene.clock.advance(1_000);
    const failing = () => scene.errands.runFirst().then(() => undefined, String);
    expect(await until(failing)).toContain('no answer');
    await scene.errands.runFirst();
    await scene.pass(2);
    expect([scene.tombstones(), scene.counted.epoch]).toEqual([[], 0]);
  });

  it('do not include what is not of our making', async () => {
    scene = await given({ ...raised });
    const foreign = { key: idOf(1), value: Buffer.from('{}'), headers: { ce_epoch: '7' } };
    await scene.kafka.publisher({ topics: [topic] }).send([{ topic: topic.name, records: [foreign] }]);
    await scene.pass(5);
    expect([scene.tombstones(), scene.database.saved]).toEqual([[], [8n]]);
  });

  it('are cleared once where the database does not say that they ever were', async () => {
    scene = await given({ cleared: null, before: ({ state }) => state(1, old) });
    await scene.pass(5);
    expect([scene.tombstones(), scene.database.saved]).toEqual([[1], [8n]]);
  });

  it('hold up no leader that ends: neither an answer of Kafka is awaited then, nor its turn', async () => {
    const never = new Promise<never>(() => undefined);
    scene = await given({ ...raised, endsNow: () => never });
    await scene.pass(2);
    await scene.stop();

    scene = await given({ ...raised, before: ({ state }) => state(1, old) });
    scene.errands.add(() => Promise.resolve());
    await scene.clock.advance(1_000);
    await until(() => scene.errands.isFull);
    await scene.stop();
    expect(scene.tombstones()).toEqual([]);
  });

  it('begin again later when the scan fails', async () => {
    const faults = [new Error('spoilt')];
    scene = await given({
      ...raised,
      before: ({ state }) => state(1, old),
      scanned: () => {
        const fault = faults.shift();
        if (fault !== undefined) throw fault;
      },
    });
    await scene.pass(200);
    expect(scene.tombstones()).toEqual([]);
    await scene.pass(120);
    expect([scene.tombstones(), scene.database.saved]).toEqual([[1], [8n]]);
  });
});

describe('states of closed challenges', () => {
  let scene: Scene;
  afterEach(() => scene.stop());
  const first = EVERY_MS / 24 / 1_000;

  it('get a tombstone thirty days after, by the database time, not sooner', async () => {
    scene = await given({
      before: async ({ state }) => {
        await state(1, { closed: 31 });
        await state(2, { closed: 29 });
        await state(3);
      },
    });
    await scene.pass(first + 5);
    expect([scene.tombstones(), scene.counted.closed]).toEqual([[1], 1]);
  });

  it('stay where the challenge has a state since that is open, or closed later', async () => {
    scene = await given({
      before: async ({ state }) => {
        for (const challenge of [1, 2, 3]) await state(challenge, { closed: 40 });
        await state(1);
        await state(2, { closed: 1 });
      },
    });
    await scene.pass(first + 5);
    expect(scene.tombstones()).toEqual([3]);
  });

  it('are looked for a while after a take-over, and then each time it is due', async () => {
    scene = await given({ before: ({ state }) => state(1, { closed: 31 }) });
    await scene.pass(first - 2);
    expect(scene.tombstones()).toEqual([]);
    await scene.pass(5);
    expect(scene.tombstones()).toEqual([1]);
    await scene.state(2, { closed: 31 });
    await scene.pass(EVERY_MS / 1_000 - 10);
    expect(scene.tombstones()).toEqual([1]);
    await scene.pass(20);
    expect(scene.tombstones()).toEqual([1, 2]);
  });

  it('do not include a body that is no state', async () => {
    scene = await given();
    const records = ['{', '7', 'null', '{"closed_at":7}'].map((text, index) => ({
      key: idOf(index),
      value: Buffer.from(text),
      headers: {},
    }));
    await scene.kafka.publisher({ topics: [topic] }).send([{ topic: topic.name, records }]);
    await scene.pass(first + 5);
    expect([scene.tombstones(), scene.counted.closed]).toEqual([[], 0]);
  });
});
