/**
 * What publishing costs the process that does it: our publisher beside kafkajs's idempotent producer, the same records in
 * batches of 1,000, one send outstanding, one broker on a private stack.
 *
 *   npm run bench -- publisher [--records 100000] [--partitions 12]
 *
 * Three alternated runs after one of each that is not counted; the last line printed is JSON with the medians.
 */
import { parseArgs } from 'node:util';

import { EVENTS, headersOf } from '@tradesense/contracts';
import { connectAdmin, connectPublisher, partitionOf, type OutgoingRecord } from '@tradesense/kafka';
import { Kafka } from 'kafkajs';

import { privateStack } from '../support/stack.js';
import { median, round, table } from './figures.js';
import { machine } from './scene.js';

const RUNS = 3;
const BATCH = 1_000;
const CHALLENGES = 500;
const VALUE_BYTES = 284;

const { values } = parseArgs({
  options: { records: { type: 'string', default: '100000' }, partitions: { type: 'string', default: '12' } },
});
const records = Number(values.records);
const partitions = Number(values.partitions);
const topic = {
  name: `bench.${EVENTS}`,
  partitions,
  settings: { 'cleanup.policy': 'delete', 'message.timestamp.type': 'LogAppendTime' },
};

/** Text as it comes from a socket: flat, and no other string's part. */
const fresh = (text: string): string => Buffer.from(text).toString();
const uuid = (number: number): string => fresh(`0193c5a0-7c1e-7abc-8abc-${number.toString(16).padStart(12, '0')}`);
const record = (number: number): OutgoingRecord => ({
  key: uuid(number % CHALLENGES),
  value: Buffer.from(JSON.stringify({ event: 'EQUITY_UPDATED' }).padEnd(VALUE_BYTES)),
  headers: headersOf({
    id: uuid(number),
    type: 'EQUITY_UPDATED',
    time: fresh(`2026-11-25T14:46:18.${String(number % 1e6).padStart(6, '0')}Z`),
    epoch: fresh('1764082000000'),
    sequence: fresh(String(number)),
    position: fresh(String(number + 1e6)),
    userId: fresh(`user-${number % CHALLENGES}`),
    traceparent: null,
  }),
});
const batches = (): OutgoingRecord[][] =>
  Array.from({ length: Math.ceil(records / BATCH) }, (_, batch) =>
    Array.from({ length: BATCH }, (_one, at) => record(batch * BATCH + at)),
  );

interface Run {
  readonly cpuSeconds: number;
  readonly seconds: number;
}

/** Making the records is not counted. */
async function measured(send: (batch: readonly OutgoingRecord[]) => Promise<unknown>): Promise<Run> {
  const made = batches();
  const [cpu, began] = [process.cpuUsage(), performance.now()];
  for (const batch of made) await send(batch);
  const { user, system } = process.cpuUsage(cpu);
  return { cpuSeconds: (user + system) / 1e6, seconds: (performance.now() - began) / 1e3 };
}

const stack = await privateStack({ migrated: false, topicPrefix: null });
try {
  const connection = { brokers: stack.kafkaBrokers, clientId: 'bench' };
  const admin = connectAdmin(connection);
  await admin.ensureTopics([topic]);
  await admin.close();
  const publisher = connectPublisher(connection, { topics: [topic] });
  const kafka = new Kafka({ brokers: [...connection.brokers], clientId: 'bench', logLevel: 0 });
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition as number,
  });
  await producer.connect();

  const ours = () => measured((batch) => publisher.send([{ topic: topic.name, records: batch }]));
  const theirs = () =>
    measured((batch) => {
      const messages = batch.map((one) => ({
        ...one,
        headers: { ...one.headers },
        partition: partitionOf(one.key ?? '', partitions),
      }));
      return producer.sendBatch({ topicMessages: [{ topic: topic.name, messages }], acks: -1 });
    });
  const runs: { ours: Run; kafkajs: Run }[] = [];
  for (let run = 0; run <= RUNS; run += 1) runs.push({ ours: await ours(), kafkajs: await theirs() });
  runs.shift();
  await Promise.all([publisher.close(), producer.disconnect()]);

  const figures = (of: (one: (typeof runs)[number]) => Run) => ({
    cpu_s_per_100k: round((median(runs.map((one) => of(one).cpuSeconds)) / records) * 1e5, 2),
    per_s: Math.round(records / median(runs.map((one) => of(one).seconds))),
  });
  const result = { ours: figures((one) => one.ours), kafkajs: figures((one) => one.kafkajs) };
  console.log(
    `publisher: ${records} records of ${VALUE_BYTES} B and 10 headers, ${partitions} partitions; ${machine()}\n`,
  );
  console.log(
    table(
      ['', 'processor s per 100,000', 'records/s'],
      Object.entries(result).map(([who, { cpu_s_per_100k: cpu, per_s: rate }]) => [who, cpu, rate]),
    ),
  );
  const ratio = round(result.ours.cpu_s_per_100k / result.kafkajs.cpu_s_per_100k, 3);
  console.log(JSON.stringify({ bench: 'publisher', ...result, cpu_ratio: ratio }));
} finally {
  await stack.stop();
}
