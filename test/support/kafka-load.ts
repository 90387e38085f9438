import {
  openReader,
  type IncomingRecord,
  type KafkaConnection,
  type Loss,
  type Publisher,
  type Reader,
} from '@tradesense/kafka';
import { faultOf } from '@tradesense/platform';

import { contiguousPerChallenge, sameSet, type Numbered } from './invariants.js';
import { until } from './until.js';

export const RECORDS_PER_S = 200;
const KEYS = 50;

/** Everything a reader was told about one topic. */
export class Ear {
  readonly records: IncomingRecord[] = [];
  readonly losses: Loss[] = [];
  readonly reader: Reader;

  constructor(
    connection: KafkaConnection,
    private readonly topic: { readonly name: string; readonly partitions: number },
    handle: (records: readonly IncomingRecord[]) => void | Promise<void> = () => undefined,
  ) {
    this.reader = openReader(
      connection,
      [{ topic: topic.name, partitions: topic.partitions, from: 'start' }],
      {
        records: (records) => {
          this.records.push(...records);
          return handle(records);
        },
        lost: (loss) => this.losses.push(loss),
        position: () => undefined,
      },
      {
        onFailure: (failure) => {
          throw failure;
        },
      },
    );
  }

  get texts(): string[] {
    return this.records.map(({ value }) => String(value));
  }

  /** Waits until every partition was read to the given ends. */
  async reachedEnds(ends: ReadonlyMap<number, bigint>, withinMs = 10_000): Promise<void> {
    const positions = (): readonly (bigint | undefined)[] =>
      [...ends.keys()].map((partition) => this.reader.position(this.topic.name, partition));
    const wanted = [...ends.values()];
    const arrived = (found: readonly (bigint | undefined)[]): boolean => found.every((one, at) => one === wanted[at]);
    await until(positions, arrived, { withinMs, what: `the reader is at ${wanted.join()}` });
  }

  /** Offsets that were handed over twice, out of order or not at all, up to the given ends. */
  faults(ends: ReadonlyMap<number, bigint>): string[] {
    return [...ends].flatMap(([partition, end]) => {
      const offsets = this.records.filter((record) => record.partition === partition).map(({ offset }) => offset);
      const expected = Array.from({ length: Number(end) }, (_, offset) => BigInt(offset));
      const wrong = expected.find((offset, at) => offsets[at] !== offset);
      if (wrong === undefined && offsets.length === expected.length) return [];
      return [`partition ${partition}: ${offsets.length} of ${end} records, first fault at ${wrong ?? end}`];
    });
  }
}

/**
 * Publishes numbered records at a steady rate; what has no clear outcome is sent again, as the relay does. Several at one topic
 * have names, and keys of their own.
 */
export class Source {
  readonly stopped = new AbortController();
  sent = 0;
  acknowledged = 0;
  unclear = 0;
  readonly done: Promise<void>;

  constructor(
    private readonly publisher: Publisher,
    private readonly topic: string,
    readonly name = '',
  ) {
    this.done = this.#run();
  }

  stop(): Promise<void> {
    this.stopped.abort();
    return this.done;
  }

  async #run(): Promise<void> {
    const perBatch = RECORDS_PER_S / 20;
    let due = performance.now();
    while (!this.stopped.signal.aborted) {
      const records = Array.from({ length: perBatch }, () => {
        this.sent += 1;
        return {
          key: `${this.name}key ${this.sent % KEYS}`,
          value: Buffer.from(`${this.name}${this.sent}`),
          headers: {},
        };
      });
      await this.#untilStored(records);
      due = Math.max(due + 50, performance.now() - 50); // no burst after an outage
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, due - performance.now())));
    }
  }

  async #untilStored(records: Parameters<Publisher['send']>[0][number]['records']): Promise<void> {
    for (;;) {
      try {
        await this.publisher.send([{ topic: this.topic, records }]);
        this.acknowledged += records.length;
        return;
      } catch (error) {
        if (faultOf(error).remedy !== 'wait') throw error;
        this.unclear += 1;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }
}

/** The n-th record of a source, as one of its key's. */
const numbered = (n: number): Numbered => ({
  challenge_id: `key ${n % KEYS}`,
  epoch: 0,
  sequence: Math.ceil(n / KEYS),
});

/**
 * What is wrong with what was heard of a source that has stopped, up to the ends of the log: offsets not handed over exactly once,
 * reported losses, records lost or from nowhere, a key's records out of order. Repeats of unclear sends are no fault.
 */
export function breaches(source: Source, ear: Ear, ends: ReadonlyMap<number, bigint>): readonly string[] {
  const sent = Array.from({ length: source.sent }, (_, index) => numbered(index + 1));
  const heard = ear.texts
    .filter((text) => text.startsWith(source.name))
    .map((text) => numbered(Number(text.slice(source.name.length))));
  return [
    ...ear.faults(ends),
    ...ear.losses.map(({ partition, from, to, why }) => `partition ${partition} lost ${from} to ${to}: ${why}`),
    ...sameSet(sent, heard),
    ...contiguousPerChallenge(heard),
  ];
}
