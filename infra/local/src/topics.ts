import { topicsOf } from '@tradesense/contracts';
import { connectAdmin } from '@tradesense/kafka';

/** Makes all topics of the services that are missing (design 7), with a copy on each broker, three at most. */
export async function ensureTopics(brokers: readonly string[], prefix: string): Promise<void> {
  const admin = connectAdmin({ brokers, clientId: 'local-stack' });
  try {
    await admin.ensureTopics(Object.values(topicsOf(prefix)), Math.min(brokers.length, 3));
  } finally {
    await admin.close();
  }
}
