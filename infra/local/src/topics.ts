import { topicsOf } from '@tradesense/contracts';
import { connectAdmin } from '@tradesense/kafka';

/** Makes all topics of the services that are missing (design 7); one broker holds one copy. */
export async function ensureTopics(brokers: readonly string[], prefix: string): Promise<void> {
  const admin = connectAdmin({ brokers, clientId: 'local-stack' });
  try {
    await admin.ensureTopics(Object.values(topicsOf(prefix)), 1);
  } finally {
    await admin.close();
  }
}
