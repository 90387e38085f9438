import { Fault } from '@tradesense/platform';
import { atMost } from '../bounds.js';
import { partitionCountFault } from '../partition.js';
import type { Reader, ReaderHandlers, ReaderTopic } from '../port.js';
import type { ReaderOptions } from '../reader/reader.js';
import type { MemoryKafka } from './memory-kafka.js';
import type { MemoryLog } from './memory-log.js';

interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly log: MemoryLog;
  position: bigint;
}

const PIECE = 64;

/** Reads a `MemoryKafka` with the promises of the port; never idle, since nothing is between it and its logs. */
export class MemoryReader implements Reader {
  readonly #stopped = new AbortController();
  #places: Place[] = [];
  #starting: Promise<void> | undefined;
  #running: Promise<void> | undefined;

  constructor(
    private readonly kafka: MemoryKafka,
    private readonly topics: readonly ReaderTopic[],
    private readonly handlers: ReaderHandlers,
    private readonly options: ReaderOptions,
  ) {}

  start(): Promise<void> {
    this.#starting ??= this.#begin();
    return this.#starting;
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await atMost(500, Promise.allSettled([this.#starting, this.#running]));
  }

  position(topic: string, partition: number): bigint | undefined {
    return this.#places.find((one) => one.topic === topic && one.partition === partition)?.position;
  }

  trouble(): undefined {
    return undefined;
  }

  idleMs(): number {
    return this.#running === undefined ? Infinity : 0;
  }

  async #begin(): Promise<void> {
    for (const { topic, partitions, from } of this.topics) {
      while (this.kafka.logs(topic) === undefined && !this.#isStopped)
        await this.kafka.nextChange(this.#stopped.signal);
      if (this.#isStopped) break;
      const logs = this.kafka.logs(topic) ?? [];
      if (logs.length !== partitions) throw partitionCountFault(topic, { found: logs.length, configured: partitions });
      this.#places.push(
        ...logs.map((log, partition) => ({ topic, partition, log, position: startOf(log, partition, from) })),
      );
    }
    if (this.#isStopped)
      throw new Fault('reader-stopped', 'stop', 'the reader was stopped before it knew where to start');
    this.#running = this.#run();
  }

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isStopped) {
        let moved = false;
        for (const place of this.#places) moved = (await this.#advance(place)) || moved;
        if (!moved) await this.kafka.nextChange(this.#stopped.signal);
      }
    } catch (error) {
      this.#stopped.abort();
      const failure = error as Fault;
      if (this.options.onFailure === undefined) throw failure;
      this.options.onFailure(failure);
    }
  }

  async #advance(place: Place): Promise<boolean> {
    const { topic, partition, log, position } = place;
    if (this.#isStopped) return false;
    try {
      if (position < log.start) {
        this.handlers.lost({ topic, partition, from: position, to: log.start, why: 'retention' });
        return this.#moveTo(place, log.start);
      }
      if (position > log.end) {
        this.handlers.lost({ topic, partition, from: log.end, to: position, why: 'truncation' });
        return this.#moveTo(place, log.end);
      }
      const { records, next } = log.read(position, PIECE);
      if (records.length > 0) {
        await this.handlers.records(records);
        await new Promise((resolve) => setImmediate(resolve));
      }
      return this.#moveTo(place, next);
    } catch (cause) {
      const what = cause instanceof Error ? cause.message : String(cause);
      throw new Fault('handler-failed', 'stop', `${topic}[${partition}], position ${position}: ${what}`, { cause });
    }
  }

  #moveTo(place: Place, next: bigint): boolean {
    if (this.#isStopped || place.position === next) return false;
    place.position = next;
    this.handlers.position(place.topic, place.partition, next);
    return true;
  }
}

function startOf(log: MemoryLog, partition: number, from: ReaderTopic['from']): bigint {
  if (from === 'start') return log.start;
  if (from === 'end') return log.end;
  if ('offset' in from) return from.offset;
  if ('offsets' in from) return from.offsets.get(partition) ?? 0n;
  return log.records.find(({ timestampMs }) => timestampMs >= from.timeMs)?.offset ?? log.end;
}
