/** Makes the topics that are missing, with the settings of design 7. */
import { topicsOf } from '@tradesense/contracts';
import { connectAdmin } from '@tradesense/kafka';

const admin = connectAdmin({ brokers: (process.env['KAFKA_BROKERS'] ?? '').split(','), clientId: 'make-topics' });
try {
  await admin.ensureTopics(Object.values(topicsOf(process.env['TOPIC_PREFIX'])));
  console.log('the topics are there');
} finally {
  await admin.close();
}
