import type { TopicSpec } from '@tradesense/contracts';
import { Fault } from '@tradesense/platform';
import {
  RecordRefused,
  type Admin,
  type Ends,
  type OutgoingRecord,
  type Publisher,
  type Reader,
  type ReaderHandlers,
  type ReaderTopic,
  type TopicFault,
  type TopicRecords,
} from '../port.js';
import { Outgoings, type OutgoingPartition } from '../outgoing.js';
import { partitionCountFault } from '../partition.js';
import { ByteWriter } from '../protocol/bytes.js';
import { writeBatch } from '../protocol/record-batch-writer.js';
import type { ReaderOptions } from '../reader/reader.js';
import { COPIES, topicFaults, type CHECKED_SETTINGS } from '../topic-check.js';
import { MemoryLog } from './memory-log.js';
import { MemoryReader } from './memory-reader.js';

/** A broker's `message.max.bytes`: of a batch as a whole. */
const MAX_BATCH_BYTES = 1_048_588;

export type SendFailure =
  | { readonly is: 'unclear'; readonly stored: boolean }
  | { readonly is: 'refused'; readonly when: (record: OutgoingRecord) => boolean };

/**
 * Kafka for unit tests: one set of logs that any number of publishers, readers and admins share, in this process's memory. It
 * passes the same contract suite as the real thing, and fails on demand.
 */
export class MemoryKafka {
  readonly #topics = new Map<string, { readonly spec: TopicSpec; readonly logs: readonly MemoryLog[] }>();
  readonly #waiting = new Set<() => void>();
  readonly #failures: SendFailure[] = [];

  /** @param now the broker's clock, milliseconds */
  constructor(private readonly now: () => number = Date.now) {}

  publisher(options: { readonly topics: readonly Pick<TopicSpec, 'name' | 'partitions'>[] }): Publisher {
    return new MemoryPublisher(this, new Map(options.topics.map(({ name, partitions }) => [name, partitions])));
  }

  reader(topics: readonly ReaderTopic[], handlers: ReaderHandlers, options: ReaderOptions = {}): Reader {
    return new MemoryReader(this, topics, handlers, options);
  }

  admin(): Admin {
    return new MemoryAdmin(this);
  }

  create(spec: TopicSpec): void {
    const logs = Array.from({ length: spec.partitions }, (_, partition) => new MemoryLog(spec.name, partition));
    this.#topics.set(spec.name, { spec, logs });
    this.changed();
  }

  specOf(topic: string): TopicSpec | undefined {
    return this.#topics.get(topic)?.spec;
  }

  /** Undefined: there is no such topic. */
  logs(topic: string): readonly MemoryLog[] | undefined {
    return this.#topics.get(topic)?.logs;
  }

  log(topic: string, partition: number): MemoryLog {
    const log = this.logs(topic)?.[partition];
    if (log === undefined) throw new Error(`there is no ${topic}[${partition}]`);
    return log;
  }

  /** The next send fails so; several fail one after the other. */
  failNextSend(...failures: readonly SendFailure[]): void {
    this.#failures.push(...failures);
  }

  takeFailure(): SendFailure | undefined {
    return this.#failures.shift();
  }

  append(topic: string, partition: number, { key, value, headers }: OutgoingRecord): void {
    this.log(topic, partition).append({
      timestampMs: this.now(),
      key: key === null ? null : Buffer.from(key),
      value: typeof value === 'string' ? Buffer.from(value) : value,
      headers: new Map(Object.entries(headers)),
    });
  }

  /** Wakes readers; to be called after a log was changed by hand. */
  changed(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Resolves with the next change, or when the signal is aborted. */
  nextChange(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      if (signal.aborted) return resolve();
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}

class MemoryPublisher implements Publisher {
  readonly #outgoings: Outgoings;
  #isSending = false;
  #isClosed = false;

  constructor(
    private readonly kafka: MemoryKafka,
    private readonly counts: ReadonlyMap<string, number>,
  ) {
    this.#outgoings = new Outgoings(counts);
  }

  async send(batches: readonly TopicRecords[], signal?: AbortSignal): Promise<Ends> {
    if (this.#isClosed) throw new Fault('publisher-closed', 'stop', 'the publisher is closed');
    if (this.#isSending) throw new Fault('publish-misuse', 'stop', 'a send is outstanding: one at a time');
    const outgoing = this.#outgoings.of(batches);
    this.#isSending = true;
    try {
      await new Promise((resolve) => setImmediate(resolve)); // never in the caller's turn, as over a network
      if (signal?.aborted === true) throw new Fault('publish-unclear', 'wait', 'given up by the caller');
      return this.#store(outgoing);
    } finally {
      this.#isSending = false;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
  }

  #store(outgoing: readonly OutgoingPartition[]): Ends {
    const failure = this.kafka.takeFailure();
    const refusals: { readonly partition: OutgoingPartition; readonly why: string }[] = [];
    for (const partition of outgoing) {
      const { topic, records } = partition;
      const [found, configured] = [this.kafka.logs(topic)?.length, this.counts.get(topic)];
      if (found === undefined) throw new Fault('publish-unclear', 'wait', `there is no topic ${topic}`);
      if (found !== configured) throw partitionCountFault(topic, { found, configured });
      if (isTooLarge(records) || (failure?.is === 'refused' && records.some(failure.when)))
        refusals.push({ partition, why: 'MESSAGE_TOO_LARGE' });
      else if (isCompacted(this.kafka.specOf(topic)) && records.some(({ key }) => key === null))
        refusals.push({ partition, why: 'INVALID_RECORD' });
    }
    if (failure?.is === 'unclear' && !failure.stored)
      throw new Fault('publish-unclear', 'wait', 'asked to fail: not stored');
    const ends = new Map<string, Map<number, bigint>>();
    const refused = new Set(refusals.map(({ partition }) => partition));
    for (const { topic, partition, records } of outgoing.filter((one) => !refused.has(one))) {
      for (const record of records) this.kafka.append(topic, partition, record);
      const ofTopic = ends.get(topic) ?? new Map<number, bigint>();
      ends.set(topic, ofTopic.set(partition, this.kafka.log(topic, partition).end));
    }
    this.kafka.changed();
    if (failure?.is === 'unclear') throw new Fault('publish-unclear', 'wait', 'asked to fail: stored');
    if (refusals[0] !== undefined)
      throw new RecordRefused(refusals[0].why, new Set([...refused].flatMap(({ records }) => records)), ends);
    return ends;
  }
}

const isCompacted = (spec: TopicSpec | undefined): boolean => spec?.settings['cleanup.policy'] === 'compact';

function isTooLarge(records: readonly OutgoingRecord[]): boolean {
  const writer = new ByteWriter();
  writeBatch(writer, records, 0);
  return writer.at > MAX_BATCH_BYTES;
}

/** A broker's own, as far as they are looked at. */
const DEFAULT_SETTINGS = {
  'cleanup.policy': 'delete',
  'message.timestamp.type': 'CreateTime',
  'compression.type': 'producer',
  'min.insync.replicas': '1',
  'unclean.leader.election.enable': 'false',
  'max.message.bytes': '1048588',
  'retention.ms': '604800000',
  'retention.bytes': '-1',
} satisfies Record<(typeof CHECKED_SETTINGS)[number], string>;

class MemoryAdmin implements Admin {
  constructor(private readonly kafka: MemoryKafka) {}

  async ensureTopics(topics: readonly TopicSpec[]): Promise<readonly string[]> {
    const missing = topics.filter(({ name }) => this.kafka.specOf(name) === undefined);
    for (const spec of missing) this.kafka.create(spec);
    return missing.map(({ name }) => name);
  }

  async checkTopics(topics: readonly TopicSpec[], copies = COPIES): Promise<readonly TopicFault[]> {
    return topics.flatMap((spec) => {
      const found = this.kafka.specOf(spec.name);
      if (found === undefined) return topicFaults(spec, undefined, copies);
      const settings = new Map(Object.entries({ ...DEFAULT_SETTINGS, ...found.settings }));
      return topicFaults(spec, { partitions: found.partitions, copies: 1, settings }, copies);
    });
  }

  async ends(topic: string): Promise<ReadonlyMap<number, bigint>> {
    const logs = this.kafka.logs(topic);
    if (logs === undefined) throw new Fault('kafka-unavailable', 'wait', `there is no topic ${topic}`);
    return new Map(logs.map(({ end }, partition) => [partition, end]));
  }

  async close(): Promise<void> {}
}
