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

describe('Kafka in memory fails on demand:', () => {
  const topic = { name: 'events', partitions: 1, settings: {} };
  const records = ['good', 'bad'].map((text) => ({ key: 'a', value: Buffer.from(text), headers: {} }));

  const given = () => {
    const kafka = new MemoryKafka();
    kafka.create(topic);
    const publisher = kafka.publisher({ topics: [topic] });
    const send = () => publisher.send([{ topic: topic.name, records }]);
    return { kafka, send, stored: () => kafka.log(topic.name, 0).records.length };
  };

  it.each([true, false])('a send is unclear, its records stored: %s', async (isStored) => {
    const { kafka, send, stored } = given();
    kafka.failNextSend({ is: 'unclear', stored: isStored });
    await expect(send()).rejects.toMatchObject({ code: 'publish-unclear', remedy: 'wait' });
    expect(stored()).toBe(isStored ? 2 : 0);
    await send();
    expect(stored()).toBe(isStored ? 4 : 2);
  });

  it('a record is refused, with all that goes to its partition', async () => {
    const { kafka, send, stored } = given();
    kafka.failNextSend({ is: 'refused', when: ({ value }) => String(value) === 'bad' });
    await expect(send()).rejects.toMatchObject({ code: 'record-refused', remedy: 'park' });
    expect(stored()).toBe(0);
    await send();
    expect(stored()).toBe(2);
  });
});
