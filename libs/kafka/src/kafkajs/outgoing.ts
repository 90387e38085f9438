import { Fault } from '@tradesense/platform';
import type { Message, TopicMessages } from 'kafkajs';
import { partitionOf } from '../partition.js';
import type { OutgoingRecord, TopicRecords } from '../port.js';

/** What is sent, and how many records of it go to each partition: an acknowledgement has to name the same ones (pitfall K3). */
export interface Outgoing {
  readonly topicMessages: TopicMessages[];
  readonly counts: ReadonlyMap<string, ReadonlyMap<number, number>>;
}

/**
 * Turns records into kafkajs's messages. What kafkajs would choke on half way (pitfall K9) is refused here, before anything is
 * sent: it can only be a mistake of the caller's, since the types forbid it.
 */
export class Outgoings {
  /** Records without a key take the partitions in turn. */
  #turn = 0;

  constructor(private readonly partitionCounts: ReadonlyMap<string, number>) {}

  of(batches: readonly TopicRecords[]): Outgoing {
    const messages = new Map<string, Message[]>();
    const counts = new Map<string, Map<number, number>>();
    for (const { topic, records } of batches) {
      const count = this.partitionCounts.get(topic);
      if (count === undefined) throw misuse(`the publisher was not told of topic ${topic}`);
      const ofTopic = entry(messages, topic, () => []);
      const perPartition = entry(counts, topic, () => new Map<number, number>());
      for (const record of records) {
        const partition = record.key === null ? this.#turn++ % count : partitionOf(checkedKey(record.key), count);
        ofTopic.push({ key: record.key, value: checkedValue(record), partition, headers: textHeaders(record) });
        perPartition.set(partition, (perPartition.get(partition) ?? 0) + 1);
      }
    }
    const topicMessages = [...messages].flatMap(([topic, ofTopic]) =>
      ofTopic.length === 0 ? [] : [{ topic, messages: ofTopic }],
    );
    return { topicMessages, counts };
  }
}

function checkedKey(key: unknown): string {
  if (typeof key !== 'string') throw misuse('a key has to be text or null');
  return key;
}

function checkedValue({ value }: OutgoingRecord): Buffer | null {
  if (value !== null && !Buffer.isBuffer(value)) throw misuse('a value has to be a buffer or null');
  return value;
}

function textHeaders({ headers }: OutgoingRecord): Record<string, string> {
  for (const [name, content] of Object.entries(headers)) {
    if (typeof content !== 'string') throw misuse(`header ${name} has to be text; what is absent is left out`);
  }
  return headers;
}

const misuse = (what: string): Fault => new Fault('publish-misuse', 'stop', what);

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
