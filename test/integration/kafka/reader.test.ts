import type { IncomingRecord, Loss, Reader } from '@tradesense/kafka';
import type { Fault, Logger } from '@tradesense/platform';
import { jest } from '@jest/globals';

import { KafkaReader, type ReaderOptions } from '../../../libs/kafka/src/reader/reader.js';
import { batchBytes, textBatch } from '../../support/record-batch.js';
import { API, StubCluster } from '../../support/stub-cluster.js';
import { until } from '../../support/until.js';

const TOPIC = 'events';
const PARTITIONS = 3;

describe('a reader before brokers that misbehave', () => {
  let cluster: StubCluster;
  let reader: Reader;
  let records: IncomingRecord[];
  let losses: Loss[];
  let failures: Fault[];
  let moves: [number, bigint][];
  const texts = (): string[] => records.map(({ value }) => String(value));

  /** Reads from the start with limits that fit a test. */
  function open(options: ReaderOptions = {}, handle: (piece: readonly IncomingRecord[]) => unknown = () => undefined) {
    reader = new KafkaReader(
      { brokers: cluster.brokers, clientId: 'test' },
      [{ topic: TOPIC, partitions: PARTITIONS, from: 'start' }],
      {
        records: async (piece) => {
          records.push(...piece);
          await handle(piece);
        },
        lost: (loss) => losses.push(loss),
        position: (_, partition, next) => moves.push([partition, next]),
      },
      { answerMs: 300, onFailure: (failure) => failures.push(failure), ...options },
    );
    return reader.start();
  }

  /** Partition 0 moves to broker 2, and the reader learns of it by an error of another partition there. */
  async function moveToTwo(): Promise<void> {
    cluster.leaders.set(`${TOPIC}/0`, 2);
    const asked = cluster.countOf(API.metadata);
    cluster.react = ({ api, node }) => (api === API.fetch && node === 2 ? 6 : 'answer');
    await until(
      () => cluster.countOf(API.metadata),
      (count) => count > asked,
    );
    cluster.react = () => 'answer';
  }

  beforeEach(async () => {
    cluster = await StubCluster.start(2, { [TOPIC]: PARTITIONS });
    [records, losses, failures, moves] = [[], [], [], []];
  });
  afterEach(async () => {
    await reader.stop();
    await until(
      () => cluster.connections,
      (count) => count === 0,
      { what: 'every connection is closed' },
    );
    await cluster.stop();
    expect(failures).toEqual([]);
  });

  it('reads one partition after its leader moved, without losing, repeating or turning back', async () => {
    await open();
    let next = 0n;
    for (const leader of [2, 1, 2]) {
      for (let count = 0; count < 20; count += 1) cluster.append(TOPIC, 0, textBatch(next, [String(next++)]));
      cluster.leaders.set(`${TOPIC}/0`, leader);
    }
    await until(
      () => records.length,
      (count) => count >= 60,
    );
    expect(texts()).toEqual(Array.from({ length: 60 }, (_, offset) => String(offset)));
  });

  it('hands nothing over a second time when a leader moves while its records are in hand', async () => {
    cluster.leaders.set(`${TOPIC}/1`, 2);
    let release = (): void => undefined;
    const released = new Promise<void>((done) => (release = done));
    await open({}, () => released);
    cluster.append(TOPIC, 0, textBatch(0n, ['a', 'b']));
    await until(
      () => records.length,
      (count) => count === 2,
    );
    await moveToTwo();
    const asked = cluster.countOf(API.fetch, 2);
    await until(
      () => cluster.countOf(API.fetch, 2),
      (count) => count > asked + 5,
    );
    release();
    cluster.append(TOPIC, 0, textBatch(2n, ['c']));
    await until(texts, (heard) => heard.includes('c'));
    expect(texts()).toEqual(['a', 'b', 'c']);
  });

  it('drops what an old leader answers late, after the new one was read', async () => {
    cluster.leaders.set(`${TOPIC}/1`, 2);
    await open();
    let release = (): void => undefined;
    const released = new Promise<void>((done) => (release = done));
    let isHeld = false;
    cluster.hold = ({ api, node }) => {
      if (isHeld || api !== API.fetch || node !== 1 || cluster.log(TOPIC, 0).end === 0n) return undefined;
      isHeld = true;
      return released;
    };
    cluster.append(TOPIC, 0, textBatch(0n, ['a', 'b']));
    await until(() => isHeld);
    await moveToTwo();
    await until(
      () => records.length,
      (count) => count === 2,
    );
    release();
    cluster.append(TOPIC, 0, textBatch(2n, ['c']));
    await until(texts, (heard) => heard.includes('c'));
    expect(texts()).toEqual(['a', 'b', 'c']);
  });

  it('goes on with the other leaders while one is silent, and returns to it when it answers', async () => {
    cluster.leaders.set(`${TOPIC}/1`, 2);
    await open();
    await until(
      () => reader.idleMs(),
      (ms) => ms < 300,
    );
    cluster.react = ({ node }) => (node === 2 ? 'silence' : 'answer');
    const asked = cluster.countOf(API.fetch, 2);
    await until(
      () => cluster.countOf(API.fetch, 2),
      (count) => count > asked,
    );
    cluster.append(TOPIC, 0, textBatch(0n, ['from one']));
    cluster.append(TOPIC, 1, textBatch(0n, ['from two']));
    await until(texts, (heard) => heard.includes('from one'));
    const idleBefore = reader.idleMs();
    await until(
      () => reader.idleMs(),
      (ms) => ms > idleBefore + 300,
    );
    expect(texts()).toEqual(['from one']);
    await until(
      () => reader.trouble(),
      (trouble) => trouble?.includes('has not answered for 300 ms') === true,
    );
    cluster.react = () => 'answer';
    await until(texts, (heard) => heard.includes('from two'));
    await until(
      () => reader.idleMs(),
      (ms) => ms < 300,
    );
    expect(reader.trouble()).toBeUndefined();
  });

  it('takes a new connection when one broke, and goes on where it was', async () => {
    await open();
    cluster.append(TOPIC, 0, textBatch(0n, ['a']));
    await until(
      () => records.length,
      (count) => count === 1,
    );
    cluster.hangUp();
    cluster.append(TOPIC, 0, textBatch(1n, ['b']));
    await until(
      () => records.length,
      (count) => count === 2,
    );
    expect(texts()).toEqual(['a', 'b']);
  });

  it('is not held up by a partition without a leader', async () => {
    await open();
    cluster.leaders.set(`${TOPIC}/1`, -1);
    cluster.append(TOPIC, 1, textBatch(0n, ['late']));
    for (let next = 0n; next < 20n; next += 1n) {
      cluster.append(TOPIC, 0, textBatch(next, [String(next)]));
      await until(
        () => records.length,
        (count) => count === Number(next) + 1,
        { withinMs: 400, everyMs: 2 },
      );
    }
    cluster.leaders.set(`${TOPIC}/1`, 1);
    await until(texts, (heard) => heard.includes('late'));
  });

  it('waits at its start for a leader that does not know its offsets yet', async () => {
    cluster.react = ({ api, nth }) => (api === API.listOffsets && nth < 3 ? 5 : 'answer');
    cluster.append(TOPIC, 0, textBatch(0n, ['a']));
    await open();
    await until(
      () => records.length,
      (count) => count === 1,
    );
    expect(cluster.countOf(API.listOffsets)).toBe(4);
  });

  it('passes batches it can not read, telling which and why, and batches with nothing in them', async () => {
    cluster.append(TOPIC, 0, textBatch(0n, ['a']));
    cluster.append(TOPIC, 0, batchBytes({ base: 1n, lastOffsetDelta: 4, codec: 'zstd', records: [{}] }));
    cluster.append(TOPIC, 0, textBatch(6n, ['b']));
    cluster.append(TOPIC, 0, batchBytes({ base: 7n, lastOffsetDelta: 2, records: [] }));
    await open();
    await until(
      () => reader.position(TOPIC, 0),
      (position) => position === 10n,
    );
    expect(texts()).toEqual(['a', 'b']);
    expect(losses).toEqual([{ topic: TOPIC, partition: 0, from: 1n, to: 6n, why: 'unreadable', detail: 'codec zstd' }]);
    expect(moves.at(-1)).toEqual([0, 10n]);
  });

  it('asks again for a batch that makes no sense, and is not held up in the other partitions', async () => {
    const broken = textBatch(0n, ['mended']);
    broken.writeInt32BE(5, 8); // shorter than any batch can be
    cluster.append(TOPIC, 1, broken);
    cluster.append(TOPIC, 0, textBatch(0n, ['a']));
    await open();
    await until(texts, (heard) => heard.includes('a'));
    for (let next = 1n; next < 20n; next += 1n) {
      cluster.append(TOPIC, 0, textBatch(next, [String(next)]));
      await until(
        () => records.length,
        (count) => count === Number(next) + 1,
        { withinMs: 400, everyMs: 2 },
      );
    }
    expect(reader.position(TOPIC, 1)).toBe(0n);
    expect(reader.idleMs()).toBe(Infinity);
    textBatch(0n, ['mended']).copy(broken);
    await until(texts, (heard) => heard.includes('mended'));
  });

  it('reports what is gone at the front, and a log that became shorter', async () => {
    for (let next = 0n; next < 10n; next += 1n) cluster.append(TOPIC, 0, textBatch(next, [String(next)]));
    let release = (): void => undefined;
    const blocked = new Promise<void>((done) => (release = done));
    await open({}, () => blocked);
    await until(
      () => records.length,
      (count) => count === 10,
    );
    const log = cluster.log(TOPIC, 0);
    for (let next = 10n; next < 20n; next += 1n) cluster.append(TOPIC, 0, textBatch(next, [String(next)]));
    log.start = 15n;
    release();
    await until(
      () => records.length,
      (count) => count === 15,
    );
    expect(losses).toEqual([{ topic: TOPIC, partition: 0, from: 10n, to: 15n, why: 'retention' }]);
    expect(texts().slice(10)).toEqual(['15', '16', '17', '18', '19']);
    log.end = 18n;
    log.batches.splice(18);
    await until(
      () => losses.length,
      (count) => count === 2,
    );
    expect(losses[1]).toEqual({ topic: TOPIC, partition: 0, from: 18n, to: 20n, why: 'truncation' });
    cluster.append(TOPIC, 0, textBatch(18n, ['eighteen again']));
    await until(texts, (heard) => heard.at(-1) === 'eighteen again');
  });

  it('hands over a long answer in pieces, and lets the process breathe between them', async () => {
    const many = Array.from({ length: 1_000 }, (_, index) => String(index));
    cluster.append(TOPIC, 0, textBatch(0n, many));
    let turns = 0;
    let isReading = true;
    const turn = (): void => void ((turns += 1), isReading && setImmediate(turn));
    const pieces: number[] = [];
    await open({}, (piece) => {
      if (pieces.length === 0) turn();
      pieces.push(piece.length);
    });
    await until(
      () => reader.position(TOPIC, 0),
      (position) => position === 1_000n,
    );
    isReading = false;
    expect(texts()).toEqual(many);
    expect(pieces).toEqual([...Array.from({ length: 15 }, () => 64), 40]);
    expect(turns).toBeGreaterThanOrEqual(pieces.length - 1);
  });

  it('stays away as long as a quota says', async () => {
    await open();
    cluster.throttleMs = 400;
    await until(
      () => cluster.countOf(API.fetch),
      (count) => count > 2,
    );
    cluster.append(TOPIC, 0, textBatch(0n, ['a']));
    const before = cluster.countOf(API.fetch);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(cluster.countOf(API.fetch) - before).toBeLessThanOrEqual(4);
    expect(texts()).toEqual(['a']);
  });

  it('asks no oftener than it is told to, records or none', async () => {
    await open({ pauseMs: 400 });
    const before = cluster.countOf(API.fetch);
    const end = performance.now() + 1_200;
    for (let offset = 0n; performance.now() < end; offset += 1n) {
      cluster.append(TOPIC, 0, textBatch(offset, ['a']));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(cluster.countOf(API.fetch) - before).toBeLessThanOrEqual(2 * 4); // of two brokers
    await until(texts, (read) => read.length > 20);
  });

  it('takes no larger answers than it is told to', async () => {
    for (let offset = 0n; offset < 6n; offset += 1n) cluster.append(TOPIC, 0, textBatch(offset, [String(offset)]));
    const pieces: number[] = [];
    await open({ maxBytes: 1 }, (piece) => pieces.push(piece.length));
    await until(texts, (read) => read.length === 6);
    expect(pieces).toEqual([1, 1, 1, 1, 1, 1]);
    await reader.stop();

    records = [];
    pieces.length = 0;
    await open({}, (piece) => pieces.push(piece.length));
    await until(texts, (read) => read.length === 6);
    expect(pieces).toEqual([6]);
  });

  it('stops at once while everything is silent', async () => {
    await open();
    cluster.react = () => 'silence';
    await until(
      () => cluster.countOf(API.fetch),
      (count) => count > 0,
    );
    const before = performance.now();
    await reader.stop();
    expect(performance.now() - before).toBeLessThan(200);
  });

  it('stops when the partition count changes while it reads, naming the topic', async () => {
    await open();
    cluster.topics.set(TOPIC, PARTITIONS + 1);
    cluster.hangUp();
    await until(
      () => failures.length,
      (count) => count === 1,
    );
    expect(failures.splice(0)).toMatchObject([{ code: 'partition-count', remedy: 'stop' }]);
    const asked = cluster.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(cluster.calls.length).toBe(asked);
  });

  it('waits, and says for what, while no broker offers the versions it speaks', async () => {
    const warn = jest.fn();
    cluster.versions.set(API.fetch, 12);
    const starting = open({ log: { warn } as unknown as Logger });
    await until(
      () => warn.mock.calls.length,
      (count) => count > 0,
    );
    expect(warn).toHaveBeenCalledWith({ why: 'the broker does not offer Fetch v11' }, 'kafka is awaited');
    cluster.versions.set(API.fetch, 11);
    await starting;
    expect(warn).toHaveBeenCalledTimes(1); // a line every 10 s at most
  });
});
