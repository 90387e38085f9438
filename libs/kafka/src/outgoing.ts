import { Fault } from '@tradesense/platform';
import { partitionOf } from './partition.js';
import type { OutgoingRecord, TopicRecords } from './port.js';

/** What goes to one partition, in order. */
export interface OutgoingPartition {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly OutgoingRecord[];
}

/**
 * Checks records and gives each its partition, before anything is sent. What could not be encoded (pitfall K9) is refused here
 * as the caller's mistake: the types forbid it.
 */
export class Outgoings {
  /** Records without a key take the partitions in turn. */
  #turn = 0;

  /** @param counts partitions of each topic, configured (pitfall K10) */
  constructor(private readonly counts: ReadonlyMap<string, number>) {}

  /** One entry per partition that has records. */
  of(batches: readonly TopicRecords[]): readonly OutgoingPartition[] {
    const topics = new Map<string, OutgoingRecord[][]>();
    for (const { topic, records } of batches) {
      const count = this.counts.get(topic);
      if (count === undefined) throw misuse(`the publisher was not told of topic ${topic}`);
      const partitions = topics.get(topic) ?? Array.from({ length: count }, () => []);
      topics.set(topic, partitions);
      for (const record of records) {
        check(record);
        const { key } = record;
        partitions[key === null ? this.#turn++ % count : partitionOf(key, count)]!.push(record);
      }
    }
    return [...topics].flatMap(([topic, partitions]) =>
      partitions.flatMap((records, partition) => (records.length === 0 ? [] : [{ topic, partition, records }])),
    );
  }
}

function check({ key, value, headers }: OutgoingRecord): void {
  if (key !== null && typeof key !== 'string') throw misuse('a key has to be text or null');
  if (value !== null && typeof value !== 'string' && !Buffer.isBuffer(value))
    throw misuse('a value has to be text, a buffer or null');
  for (const name in headers) {
    if (typeof headers[name] !== 'string') throw misuse(`header ${name} has to be text; what is absent is left out`);
  }
}

const misuse = (what: string): Fault => new Fault('publish-misuse', 'stop', what);
