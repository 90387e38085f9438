import { MemoryKafka, kafkaContract } from '@tradesense/kafka/testing';
import { until } from '../../support/until.js';

describe('Kafka in memory keeps the contract:', () => {
  kafkaContract({ it, until }, 'memory.', () => {
    const kafka = new MemoryKafka();
    return {
      publisher: (topics) => kafka.publisher({ topics }),
      reader: (topics, handlers, options) => kafka.reader(topics, handlers, options),
      admin: () => kafka.admin(),
      deleteBefore: async (topic, partition, offset) => {
        kafka.log(topic, partition).deleteBefore(offset);
        kafka.changed();
      },
    };
  });
});
