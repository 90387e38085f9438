import { DEFAULT_TOPIC_PREFIX, topicsOf } from '@tradesense/contracts';
import * as kafka from '@tradesense/kafka';

/** Makes all topics of the services that are missing (design 7); one broker holds one copy. */
export async function ensureTopics(brokers: readonly string[], prefix = DEFAULT_TOPIC_PREFIX): Promise<void> {
  const connect = (kafka as unknown as { connectAdmin?: (connection: kafka.KafkaConnection) => Promise<kafka.Admin> })
    .connectAdmin;
  if (connect === undefined) return;
  const admin = await connect({ brokers, clientId: 'local-stack' });
  try {
    await admin.ensureTopics(Object.values(topicsOf(prefix)), 1);
  } finally {
    await admin.close();
  }
}
