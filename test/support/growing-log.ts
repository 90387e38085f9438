import { HEADER, type TopicSpec } from '@tradesense/contracts';
import { openReader, type IncomingRecord, type Reader } from '@tradesense/kafka';

import type { Numbered } from './invariants.js';

const text = (record: IncomingRecord, header: string): string => String(record.headers.get(header));

/** Everything that has come into topics since the start, as it comes; per partition in its order. */
export class GrowingLog {
  readonly records: IncomingRecord[] = [];
  readonly #reader: Reader;

  private constructor(brokers: readonly string[], topics: readonly TopicSpec[]) {
    this.#reader = openReader(
      { brokers, clientId: 'growing-log' },
      topics.map(({ name, partitions }) => ({ topic: name, partitions, from: 'start' })),
      {
        records: (records) => void this.records.push(...records),
        lost: (loss) => {
          throw new Error(`the log of ${loss.topic} has lost ${loss.from} to ${loss.to}: ${loss.why}`);
        },
        position: () => undefined,
      },
    );
  }

  static async open(brokers: readonly string[], topics: readonly TopicSpec[]): Promise<GrowingLog> {
    const log = new GrowingLog(brokers, topics);
    await log.#reader.start();
    return log;
  }

  of({ name }: TopicSpec): readonly IncomingRecord[] {
    return this.records.filter(({ topic }) => topic === name);
  }

  /** Its events or states by their headers. */
  numbered(topic: TopicSpec): readonly Numbered[] {
    return this.of(topic).map((record) => ({
      challenge_id: String(record.key),
      epoch: Number(text(record, HEADER.epoch)),
      sequence: Number(text(record, HEADER.sequence)),
    }));
  }

  close(): Promise<void> {
    return this.#reader.stop();
  }
}
