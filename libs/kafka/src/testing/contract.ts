import assert from 'node:assert/strict';
import type { TopicSpec } from '@tradesense/contracts';
import { faultOf, type Fault } from '@tradesense/platform';
import { partitionOf } from '../partition.js';
import { RecordRefused } from '../port.js';
import type {
  Admin,
  IncomingRecord,
  Loss,
  OutgoingRecord,
  Publisher,
  Reader,
  ReaderHandlers,
  ReaderTopic,
  StartAt,
} from '../port.js';
import type { ReaderOptions } from '../reader/reader.js';
import { readStretch } from '../reader/stretch.js';

/** One implementation of the port, as the suite needs it. */
export interface Subject {
  publisher(topics: readonly TopicSpec[]): Publisher;
  reader(topics: readonly ReaderTopic[], handlers: ReaderHandlers, options?: ReaderOptions): Reader;
  admin(): Admin;
  /** As retention does: records below the offset are gone. */
  deleteBefore(topic: string, partition: number, offset: bigint): Promise<void>;
}

/** What the suite takes from the test runner and the tests' vocabulary. */
export interface Runner {
  it(name: string, run: () => Promise<void>): void;
  until<T>(read: () => T, holds: (value: T) => boolean): Promise<T>;
}

const PARTITIONS = 3;
/** A broker's `message.max.bytes` where nobody has set it. */
const MAX_BATCH_BYTES = 1_048_588;
const SETTINGS = {
  'cleanup.policy': 'delete',
  'message.timestamp.type': 'LogAppendTime',
  'compression.type': 'uncompressed',
};

/** Registers the tests that every implementation of the port passes. @param prefix keeps its topics apart from others' */
export function kafkaContract({ it, until }: Runner, prefix: string, subject: () => Subject): void {
  let topics = 0;

  /** One test: a topic of its own, whatever it opened closed at its end. */
  const test = (name: string, run: (scene: Scene) => Promise<void>): void =>
    it(name, async () => {
      topics += 1;
      const topic = { name: `${prefix}contract-${topics}`, partitions: PARTITIONS, settings: SETTINGS };
      const scene = new Scene(subject(), topic, until);
      try {
        await scene.admin.ensureTopics([topic]);
        await run(scene);
      } finally {
        await scene.close();
      }
    });

  test('a send answers one more than the last offset of each partition', async ({ topic, publisher, admin }) => {
    const first = await publisher.send([{ topic: topic.name, records: keyed('a', 'b', 'c', 'd', 'a') }]);
    const second = await publisher.send([{ topic: topic.name, records: keyed('a') }]);
    assert.deepEqual(first.get(topic.name), countsOf('a', 'b', 'c', 'd', 'a'));
    assert.equal(
      second.get(topic.name)?.get(partitionOf('a', PARTITIONS)),
      countsOf('a', 'b', 'c', 'd', 'a', 'a').get(partitionOf('a', PARTITIONS)),
    );
    const ends = await admin.ends(topic.name);
    for (const [partition, end] of countsOf('a', 'b', 'c', 'd', 'a', 'a')) assert.equal(ends.get(partition), end);
  });

  test('a send of nothing answers nothing', async ({ topic, publisher }) => {
    assert.equal((await publisher.send([])).size, 0);
    assert.equal((await publisher.send([{ topic: topic.name, records: [] }])).size, 0);
  });

  test('keys, values, tombstones and headers arrive as they were sent', async (scene) => {
    await scene.publish(
      { key: 'käy', value: Buffer.from([0, 255, 10]), headers: { ce_id: 'é🙂', empty: '' } },
      { key: 'käy', value: null, headers: {} },
      { key: 'käy', value: `"é🙂${'x'.repeat(300)}"`, headers: {} },
      { key: 'käy', value: '', headers: {} },
      { key: null, value: Buffer.from(''), headers: {} },
      { key: null, value: null, headers: {} },
    );
    const { records } = await scene.read('start', 6);
    const [first, second, third, fourth] = records.filter(({ key }) => key !== null);
    assert.equal(first?.partition, partitionOf('käy', PARTITIONS));
    assert.deepEqual(first.value, Buffer.from([0, 255, 10]));
    assert.deepEqual(
      [...first.headers],
      [
        ['ce_id', 'é🙂'],
        ['empty', ''],
      ],
    );
    assert.equal(second?.value, null);
    assert.equal(second.headers.size, 0);
    assert.deepEqual(third?.value, Buffer.from(`"é🙂${'x'.repeat(300)}"`));
    assert.deepEqual(fourth?.value, Buffer.from(''));
    assert.deepEqual(
      records
        .filter(({ key }) => key === null)
        .map(({ value }) => String(value?.length))
        .toSorted(compareText),
      ['0', 'undefined'],
    );
    assert.ok(Math.abs(Date.now() - first.timestampMs) < 60_000);
  });

  test('records without a key take the partitions in turn', async (scene) => {
    const ends = await scene.publish(unkeyed('1'), unkeyed('2'), unkeyed('3'));
    assert.equal(ends.get(scene.topic.name)?.size, PARTITIONS);
  });

  test('a record that is too large is refused, and nothing vanishes of what is sent after it (pitfall K1)', async (scene) => {
    const { topic, publisher } = scene;
    const small = ['a', 'b', 'c'].map((value) => ({ key: 'a', value: Buffer.from(value), headers: {} }));
    const otherKey = keyElsewhere('a');
    const large = { key: otherKey, value: Buffer.alloc(2 * 1024 * 1024), headers: {} };
    const refused = await faultOfSend(publisher.send([{ topic: topic.name, records: [...small, large] }]));
    assert.deepEqual([refused.code, refused.remedy], ['record-refused', 'park']);
    assert.ok(refused instanceof RecordRefused);
    assert.deepEqual([...refused.refused], [large]);
    assert.deepEqual(refused.stored.get(topic.name), new Map([[partitionOf('a', PARTITIONS), 3n]]));
    const again = ['d', 'e', 'f'].map((value) => ({ key: 'a', value: Buffer.from(value), headers: {} }));
    const ends = await publisher.send([{ topic: topic.name, records: again }]);
    const end = Number(ends.get(topic.name)?.get(partitionOf('a', PARTITIONS)));
    const { records } = await scene.read('start', end);
    assert.deepEqual(textsOf(records), ['a', 'b', 'c', 'd', 'e', 'f']);
  });

  test('a record is taken as long as it fits its batch to the byte, and refused beyond', async (scene) => {
    const send = (bytes: number): ReturnType<Publisher['send']> =>
      scene.publish({ key: 'a', value: Buffer.alloc(bytes, 'v'), headers: {} });
    const fits = MAX_BATCH_BYTES - 73; // head of the batch, key, and lengths
    await send(fits);
    const refused = await faultOfSend(send(fits + 1));
    assert.deepEqual([refused.code, refused.remedy], ['record-refused', 'park']);
    const { records } = await scene.read('start', 1);
    assert.equal(records[0]?.value?.length, fits);
  });

  test('a batch too large as a whole is refused, though each record would be taken by itself', async (scene) => {
    const record = { key: 'a', value: Buffer.alloc(2_000, 'v'), headers: {} };
    const refused = await faultOfSend(scene.publish(...Array.from({ length: 600 }, () => record)));
    assert.deepEqual([refused.code, refused.remedy], ['record-refused', 'park']);
    const ends = await scene.publish(...Array.from({ length: 300 }, () => record));
    assert.equal(ends.get(scene.topic.name)?.get(partitionOf('a', PARTITIONS)), 300n);
  });

  test('a record larger than a broker reads at all is refused, not waited out', async (scene) => {
    const hopeless = { key: 'a', value: Buffer.alloc(101 * 1024 * 1024), headers: {} };
    const refused = await faultOfSend(scene.publish(hopeless));
    assert.deepEqual([refused.code, refused.remedy], ['record-refused', 'park']);
    await scene.publishTexts('1');
    assert.deepEqual(textsOf((await scene.read('start', 1)).records), ['1']);
  });

  test('a record without a key is refused where the last of each key is kept', async ({ topic, subject, admin }) => {
    const compacted = {
      ...topic,
      name: `${topic.name}-compacted`,
      settings: { ...SETTINGS, 'cleanup.policy': 'compact' },
    };
    await admin.ensureTopics([compacted]);
    const publisher = subject.publisher([compacted]);
    const send = (...records: OutgoingRecord[]) => publisher.send([{ topic: compacted.name, records }]);
    try {
      const refused = await faultOfSend(send(unkeyed('1')));
      assert.deepEqual([refused.code, refused.remedy], ['record-refused', 'park']);
      assert.equal((await send(...keyed('a'))).size, 1);
    } finally {
      await publisher.close();
    }
  });

  test('parts of a send for one topic are one batch, in their order', async (scene) => {
    const part = (text: string) => ({
      topic: scene.topic.name,
      records: [{ key: 'a', value: Buffer.from(text), headers: {} }],
    });
    await scene.publisher.send([part('1'), part('2'), part('3')]);
    assert.deepEqual(textsOf((await scene.read('start', 3)).records), ['1', '2', '3']);
  });

  test('a send given up on its way is unclear, and the next one is stored', async (scene) => {
    await scene.publishTexts('1');
    const giveUp = new AbortController();
    const batch = [{ topic: scene.topic.name, records: keyed('a') }];
    const sending = faultOfSend(scene.publisher.send(batch, giveUp.signal));
    giveUp.abort();
    assert.equal((await sending).code, 'publish-unclear');
    const ends = await scene.publishTexts('2');
    const end = Number(ends.get(scene.topic.name)?.get(partitionOf('a', PARTITIONS)));
    assert.equal(textsOf((await scene.read('start', end)).records).at(-1), '2');
  });

  test('a mistake of the caller is remedy stop, and the publisher goes on', async ({ topic, publisher }) => {
    const send = (record: unknown, name = topic.name): Promise<Fault> =>
      faultOfSend(publisher.send([{ topic: name, records: [record as OutgoingRecord] }]));
    const good = { key: 'a', value: null, headers: {} };
    assert.equal((await send(good, 'not-named')).code, 'publish-misuse');
    assert.equal((await send({ ...good, key: 7 })).code, 'publish-misuse');
    assert.equal((await send({ ...good, value: 7 })).code, 'publish-misuse');
    assert.equal((await send({ ...good, headers: { traceparent: null } })).remedy, 'stop');
    const first = publisher.send([{ topic: topic.name, records: [good] }]);
    assert.equal((await send(good)).code, 'publish-misuse');
    await first;
  });

  test('a send that the caller gives up is unclear, one of a closed publisher a mistake', async ({
    topic,
    publisher,
  }) => {
    const batch = [{ topic: topic.name, records: keyed('a') }];
    const givenUp = await faultOfSend(publisher.send(batch, AbortSignal.abort()));
    assert.deepEqual([givenUp.code, givenUp.remedy], ['publish-unclear', 'wait']);
    await publisher.send(batch);
    await publisher.close();
    await publisher.close();
    assert.equal((await faultOfSend(publisher.send(batch))).code, 'publisher-closed');
  });

  test('records of a partition come in order, at most 64 at a time, the position behind them', async (scene) => {
    const texts = Array.from({ length: 300 }, (_, index) => String(index));
    await scene.publish(...texts.map((text) => ({ key: 'a', value: Buffer.from(text), headers: {} })));
    const heard = scene.listen('start');
    await heard.reader.start();
    await until(
      () => heard.records.length,
      (count) => count >= texts.length,
    );
    const partition = partitionOf('a', PARTITIONS);
    assert.deepEqual(textsOf(heard.records), texts);
    assert.ok(heard.pieces.every((size) => size <= 64));
    await until(
      () => heard.reader.position(scene.topic.name, partition),
      (position) => position === 300n,
    );
    assert.deepEqual(heard.positions.at(-1), [partition, 300n]);
    await until(
      () => heard.reader.idleMs(),
      (ms) => ms < 5_000,
    );
  });

  test('reading begins at the start, the end, an offset or a time', async (scene) => {
    await scene.publishTexts('1', '2');
    await new Promise((resolve) => setTimeout(resolve, 20)); // record times are whole milliseconds
    const timeMs = Date.now();
    await scene.publishTexts('3');
    const starts: [StartAt, bigint][] = [
      ['start', 0n],
      [{ offset: 1n }, 1n],
      [{ timeMs }, 2n],
      [{ timeMs: 0 }, 0n],
      ['end', 3n],
      [{ timeMs: Date.now() + 3_600_000 }, 4n], // a time yet to come means the end
    ];
    for (const [from, first] of starts) {
      const heard = scene.listen(from, partitionOf('a', PARTITIONS));
      await heard.reader.start();
      if (first >= 3n) await scene.publishTexts('next');
      await until(
        () => heard.records[0]?.offset,
        (offset) => offset !== undefined,
      );
      assert.equal(heard.records[0]?.offset, first);
      await heard.reader.stop();
    }
  });

  test('what retention took is reported before the records behind it', async (scene) => {
    await scene.publishTexts('1', '2', '3', '4');
    const partition = partitionOf('a', PARTITIONS);
    await scene.subject.deleteBefore(scene.topic.name, partition, 3n);
    const heard = scene.listen({ offset: 0n }, partition);
    await heard.reader.start();
    await until(
      () => heard.records.length,
      (count) => count === 1,
    );
    assert.deepEqual(
      heard.story.filter(([what]) => what !== 'position'),
      [
        ['lost', { topic: scene.topic.name, partition, from: 0n, to: 3n, why: 'retention' }],
        ['records', 3n],
      ],
    );
  });

  test('an offset beyond the end is reported as truncation, and reading goes on at the end', async (scene) => {
    await scene.publishTexts('1', '2');
    const partition = partitionOf('a', PARTITIONS);
    const heard = scene.listen({ offset: 10n });
    await heard.reader.start();
    const lossOfOurs = (): Loss | undefined => heard.losses.find((loss) => loss.partition === partition);
    const loss = await until(lossOfOurs, (value) => value !== undefined);
    assert.deepEqual(loss, { topic: scene.topic.name, partition, from: 2n, to: 10n, why: 'truncation' });
    await scene.publishTexts('3');
    await until(
      () => heard.records.length,
      (count) => count === 1,
    );
    assert.equal(heard.records[0]?.offset, 2n);
  });

  test('each partition can be read from an offset of its own', async (scene) => {
    const [one, other] = ['a', keyElsewhere('a')].map((key) =>
      [0, 1, 2].map(() => ({ key, value: null, headers: {} })),
    );
    await scene.publish(...one!, ...other!);
    const partition = partitionOf('a', PARTITIONS);
    const { records } = await scene.read({ offsets: new Map([[partition, 2n]]) }, 4);
    assert.deepEqual(
      records.filter((record) => record.partition === partition).map(({ offset }) => offset),
      [2n],
    );
    assert.equal(records.length, 4);
  });

  test('a stretch is read up to where it was to end, over partitions without records and what is gone', async (scene) => {
    const { subject, topic } = scene;
    const partition = partitionOf('a', PARTITIONS);
    const read = async (to: bigint): Promise<readonly bigint[]> => {
      const offsets: bigint[] = [];
      const ends = new Map([...(await scene.admin.ends(topic.name)), [partition, to]]);
      await readStretch(
        (...given) => scene.open(...given),
        { topic, from: { offsets: new Map() }, to: ends },
        (records) => offsets.push(...records.map(({ offset }) => offset)),
        new AbortController().signal,
      );
      return offsets;
    };
    assert.deepEqual(await read(0n), []);
    await scene.publishTexts('1', '2', '3', '4');
    assert.deepEqual(await read(4n), [0n, 1n, 2n, 3n]);
    await subject.deleteBefore(topic.name, partition, 3n);
    assert.deepEqual(await read(4n), [3n]);
    await subject.deleteBefore(topic.name, partition, 4n);
    assert.deepEqual(await read(4n), []);
  });

  test('a stretch that does not end is given up by its signal', async (scene) => {
    const over = new AbortController();
    const to = new Map([[0, 1n]]);
    const reading = readStretch(
      (...given) => scene.open(...given),
      { topic: scene.topic, from: 'start', to },
      () => undefined,
      over.signal,
    );
    over.abort(new Error('enough'));
    await assert.rejects(reading, /enough/);
  });

  test('a handler that throws stops the reader, which names the place and keeps the position', async (scene) => {
    await scene.publishTexts('1', '2');
    const failures: Fault[] = [];
    const reader = scene.open(
      [{ topic: scene.topic.name, partitions: PARTITIONS, from: 'start' }],
      {
        records: () => Promise.reject(new Error('no room')),
        lost: () => undefined,
        position: () => undefined,
      },
      { onFailure: (failure) => failures.push(failure) },
    );
    await reader.start();
    await until(
      () => failures.length,
      (count) => count > 0,
    );
    assert.deepEqual([failures.length, failures[0]?.code, failures[0]?.remedy], [1, 'handler-failed', 'stop']);
    assert.match(failures[0]?.message ?? '', new RegExp(`${scene.topic.name}.*no room`));
    assert.equal(reader.position(scene.topic.name, partitionOf('a', PARTITIONS)), 0n);
  });

  test('a publisher that was told another partition count stops, and names the topic', async ({ topic, subject }) => {
    const publisher = subject.publisher([{ ...topic, partitions: PARTITIONS + 1 }]);
    const fault = await faultOfSend(publisher.send([{ topic: topic.name, records: keyed('a') }]));
    await publisher.close();
    assert.deepEqual([fault.code, fault.remedy], ['partition-count', 'stop']);
    assert.match(fault.message, new RegExp(topic.name));
  });

  test('another partition count than configured is an error that names the topic', async (scene) => {
    const reader = scene.open([{ topic: scene.topic.name, partitions: PARTITIONS + 1, from: 'start' }], silent);
    const fault = await faultOfSend(reader.start());
    assert.deepEqual([fault.code, fault.remedy], ['partition-count', 'stop']);
    assert.match(fault.message, new RegExp(scene.topic.name));
  });

  test('a topic that is missing is waited for', async (scene) => {
    const late = { ...scene.topic, name: `${scene.topic.name}-late` };
    const heard = scene.listen('start', 0, late);
    let started = false;
    const starting = heard.reader.start().then(() => (started = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(started, false);
    await scene.admin.ensureTopics([late]);
    await starting;
  });

  test('a reader may be stopped before it was started, while it waits, and many times at once', async (scene) => {
    const never = scene.listen('start').reader;
    await never.stop();
    assert.equal((await faultOfSend(never.start())).code, 'reader-stopped');
    const waiting = scene.listen('start', 0, { ...scene.topic, name: `${scene.topic.name}-never` }).reader;
    const rejected = faultOfSend(waiting.start());
    await new Promise((resolve) => setTimeout(resolve, 20));
    await waiting.stop();
    assert.equal((await rejected).code, 'reader-stopped');
    const many = scene.listen('start').reader;
    await Promise.allSettled(Array.from({ length: 50 }, () => [many.start(), many.stop()]).flat());
    await many.stop();
  });

  test('after stop nothing is handed over any more', async (scene) => {
    const heard = scene.listen('start');
    await heard.reader.start();
    await scene.publishTexts('1');
    await until(
      () => heard.records.length,
      (count) => count === 1,
    );
    const before = performance.now();
    await heard.reader.stop();
    assert.ok(performance.now() - before < 1_000);
    await scene.publishTexts('2');
    const other = scene.listen('start');
    await other.reader.start();
    await until(
      () => other.records.length,
      (count) => count === 2,
    );
    assert.equal(heard.records.length, 1);
  });

  test('what would not survive the loss of a broker is unsafe, not unfit', async ({ topic, admin }) => {
    const told = await admin.checkTopics([topic]);
    assert.deepEqual(
      told.map(({ grade, what }) => [grade, what]),
      [['unsafe', 'has 1 copy, wanted are 3']],
    );
  });

  test('topics are made once, and what differs is told', async ({ topic, admin }) => {
    assert.deepEqual(await admin.ensureTopics([topic]), []);
    assert.deepEqual(await admin.checkTopics([topic], 1), []);
    const missing = { ...topic, name: `${topic.name}-missing` };
    const other = { ...topic, partitions: 5, settings: { ...SETTINGS, 'cleanup.policy': 'compact' } };
    const told = await admin.checkTopics([missing, other], 1);
    assert.deepEqual(
      told.map(({ topic: name, grade, what }) => ({ topic: name, grade, what })),
      [
        { topic: missing.name, grade: 'unfit', what: 'is missing' },
        { topic: topic.name, grade: 'unfit', what: 'has 3 partitions, configured are 5' },
        { topic: topic.name, grade: 'unfit', what: 'has cleanup.policy=delete, expected is compact' },
      ],
    );
    assert.ok(told.every(({ mend }) => mend !== ''));
    assert.deepEqual(await admin.ensureTopics([topic, missing]), [missing.name]);
    assert.deepEqual(await admin.checkTopics([topic, missing], 1), []);
  });
}

const compareText = (one: string, other: string): number => (one < other ? -1 : 1);

const silent: ReaderHandlers = { records: () => undefined, lost: () => undefined, position: () => undefined };

/** What a reader told, in order. */
interface Heard {
  readonly reader: Reader;
  readonly records: IncomingRecord[];
  readonly pieces: number[];
  readonly losses: Loss[];
  readonly positions: [number, bigint][];
  readonly story: (['records', bigint | undefined] | ['lost', Loss] | ['position', bigint])[];
}

class Scene {
  readonly admin: Admin;
  readonly publisher: Publisher;
  readonly #readers: Reader[] = [];

  constructor(
    readonly subject: Subject,
    readonly topic: TopicSpec,
    private readonly until: Runner['until'],
  ) {
    this.admin = subject.admin();
    this.publisher = subject.publisher([topic]);
  }

  publish(...records: OutgoingRecord[]): ReturnType<Publisher['send']> {
    return this.publisher.send([{ topic: this.topic.name, records }]);
  }

  /** All under the key `a`. */
  publishTexts(...texts: string[]): ReturnType<Publisher['send']> {
    return this.publish(...texts.map((text) => ({ key: 'a', value: Buffer.from(text), headers: {} })));
  }

  open(topics: readonly ReaderTopic[], handlers: ReaderHandlers, options?: ReaderOptions): Reader {
    const reader = this.subject.reader(topics, handlers, options);
    this.#readers.push(reader);
    return reader;
  }

  /** @param only tells of that partition alone */
  listen(from: StartAt, only?: number, { name, partitions }: TopicSpec = this.topic): Heard {
    const heard = { records: [], pieces: [], losses: [], positions: [], story: [] } as unknown as Heard;
    const isHeard = (partition: number | undefined): boolean => only === undefined || partition === only;
    const reader = this.open([{ topic: name, partitions, from }], {
      records: (records) => {
        if (!isHeard(records[0]?.partition)) return;
        heard.records.push(...records);
        heard.pieces.push(records.length);
        heard.story.push(['records', records[0]?.offset]);
      },
      lost: (loss) => {
        if (!isHeard(loss.partition)) return;
        heard.losses.push(loss);
        heard.story.push(['lost', loss]);
      },
      position: (_, partition, next) => {
        if (!isHeard(partition)) return;
        heard.positions.push([partition, next]);
        heard.story.push(['position', next]);
      },
    });
    return { ...heard, reader };
  }

  async read(from: StartAt, count: number): Promise<Heard> {
    const heard = this.listen(from);
    await heard.reader.start();
    await this.until(
      () => heard.records.length,
      (length) => length >= count,
    );
    return heard;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#readers.map((reader) => reader.stop()), this.publisher.close(), this.admin.close()]);
  }
}

const keyed = (...keys: string[]): OutgoingRecord[] =>
  keys.map((key) => ({ key, value: Buffer.from(key), headers: {} }));
const unkeyed = (text: string): OutgoingRecord => ({ key: null, value: Buffer.from(text), headers: {} });
const textsOf = (records: readonly IncomingRecord[]): string[] => records.map(({ value }) => String(value));

function countsOf(...keys: string[]): Map<number, bigint> {
  const counts = new Map<number, bigint>();
  for (const key of keys) {
    const partition = partitionOf(key, PARTITIONS);
    counts.set(partition, (counts.get(partition) ?? 0n) + 1n);
  }
  return counts;
}

/** A key of another partition than the given one. */
function keyElsewhere(key: string): string {
  let other = 0;
  while (partitionOf(String(other), PARTITIONS) === partitionOf(key, PARTITIONS)) other += 1;
  return String(other);
}

async function faultOfSend(work: Promise<unknown>): Promise<Fault> {
  try {
    await work;
  } catch (error) {
    return faultOf(error);
  }
  throw new Error('it did not fail');
}
