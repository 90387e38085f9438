import { Kafka, RETRY, clientConfig } from '../kafkajs/library.js';
import { Sockets } from '../kafkajs/sockets.js';
import type { KafkaConnection } from '../port.js';

/** As retention does, at once: the log starts at the offset. For tests on a real broker. */
export const deleteBefore = (
  connection: KafkaConnection,
  topic: string,
  partition: number,
  offset: bigint,
): Promise<void> =>
  asAdmin(connection, async (admin) => {
    await admin.fetchTopicOffsets(topic); // or it does not know who leads the topic
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] });
  });

/** With everything in it. */
export const deleteTopic = (connection: KafkaConnection, topic: string): Promise<void> =>
  asAdmin(connection, (admin) => admin.deleteTopics({ topics: [topic] }));

async function asAdmin(
  connection: KafkaConnection,
  act: (admin: ReturnType<InstanceType<typeof Kafka>['admin']>) => Promise<void>,
): Promise<void> {
  const sockets = new Sockets();
  const config = clientConfig(connection, { requestMs: 5_000, socketFactory: sockets.factory, log: undefined });
  const admin = new Kafka(config).admin({ retry: RETRY });
  await admin.connect();
  try {
    await act(admin);
  } finally {
    await admin.disconnect();
  }
}
