import { Fault } from '@tradesense/platform';
import { partitionOf } from './partition.js';
import type { OutgoingRecord, TopicRecords } from './port.js';

/** The records of one topic, each with its partition, in order. */
export interface OutgoingTopic {
  readonly topic: string;
  readonly records: readonly (readonly [partition: number, record: OutgoingRecord])[];
}

/**
 * Checks records and gives each its partition, before anything is sent. What a client library would choke on half way (pitfall
 * K9) is refused here as the caller's mistake: the types forbid it.
 */
export class Outgoings {
  /** Records without a key take the partitions in turn. */
  #turn = 0;

  /** @param counts partitions of each topic, configured (pitfall K10) */
  constructor(private readonly counts: ReadonlyMap<string, number>) {}

  /** One entry per topic that has records. */
  of(batches: readonly TopicRecords[]): readonly OutgoingTopic[] {
    const topics = new Map<string, (readonly [number, OutgoingRecord])[]>();
    for (const { topic, records } of batches) {
      const count = this.counts.get(topic);
      if (count === undefined) throw misuse(`the publisher was not told of topic ${topic}`);
      const ofTopic = topics.get(topic) ?? [];
      for (const record of records) {
        check(record);
        ofTopic.push([record.key === null ? this.#turn++ % count : partitionOf(record.key, count), record]);
      }
      if (ofTopic.length > 0) topics.set(topic, ofTopic);
    }
    return [...topics].map(([topic, records]) => ({ topic, records }));
  }
}

function check({ key, value, headers }: OutgoingRecord): void {
  if (key !== null && typeof key !== 'string') throw misuse('a key has to be text or null');
  if (value !== null && !Buffer.isBuffer(value)) throw misuse('a value has to be a buffer or null');
  for (const [name, content] of Object.entries(headers)) {
    if (typeof content !== 'string') throw misuse(`header ${name} has to be text; what is absent is left out`);
  }
}

const misuse = (what: string): Fault => new Fault('publish-misuse', 'stop', what);
