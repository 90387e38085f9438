import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';

import { Kafka, logLevel } from 'kafkajs';

/** kafkajs's public consumer, from the end of the topic. Resolves when it has its partitions. */
export async function consume(take: (key: Buffer | null, value: Buffer | null) => void): Promise<void> {
  const kafka = new Kafka({
    brokers: (process.env['BROKERS'] ?? '').split(','),
    logLevel: logLevel.NOTHING,
    socketFactory: ({ host, port, onConnect }) => connect({ host, port, noDelay: true }, onConnect),
  });
  const consumer = kafka.consumer({ groupId: randomUUID() });
  await consumer.connect();
  await consumer.subscribe({ topic: process.env['TOPIC'] ?? '', fromBeginning: false });
  const joined = new Promise<void>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => resolve());
  });
  await consumer.run({
    autoCommit: false,
    eachBatch: ({ batch }) => {
      for (const { key, value } of batch.messages) take(key, value);
      return Promise.resolve();
    },
  });
  await joined;
}
