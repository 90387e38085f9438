import {
  Fault,
  fullJitter,
  systemClock,
  systemRandom,
  type Clock,
  type Logger,
  type Random,
} from '@tradesense/platform';
import { atMost } from '../at-most.js';
import type { Link } from '../kafkajs/link.js';
import type { IncomingRecord, KafkaConnection, Reader, ReaderHandlers, ReaderTopic } from '../port.js';
import { fetchRequest, type FetchAnswer } from '../protocol/fetch.js';
import { EARLIEST, LATEST, listOffsetsRequest } from '../protocol/list-offsets.js';
import { batchesOf } from '../protocol/record-batch.js';
import { ERROR, errorName } from '../protocol/request.js';
import { Brokers } from './brokers.js';

/**
 * Reading without a group. What is authoritative is a partition's `position`: the next offset to be read. It moves only
 * here, only forward but for a truncation, and only after the records before it were handed over:
 *
 *   R1  position = one more than the last offset of the last batch taken, whether that batch held records or not
 *   R2  a partition is handed over by one loop at a time, and only if it still is where the fetch began
 *   R3  what is skipped was reported as lost first
 *
 * One loop per leading broker fetches all partitions that the broker leads. Each failure of a broker (error, time-out) costs
 * its link, then metadata are asked for again, then a wait of 50 ms to 2 s with full jitter, for ever; the loops of
 * other leaders go on. An error of one partition costs that partition the same wait, the others none. A position outside the log is
 * reported: below its start as retention (reading goes on at the start), beyond its end as truncation (at the end).
 * A handler that throws stops the reader: going on would skip what was not handled (pitfall K13).
 *
 * Deliberately not done: no fetch while records of the last one are handed over, so that a slow handler bounds memory by
 * itself; a log that was truncated and has grown past the position again goes unnoticed (it takes an unclean election).
 */
export interface ReaderOptions {
  /** Told once, after reading has stopped by itself. Without it the failure is thrown where nobody catches it. */
  readonly onFailure?: (failure: Fault) => void;
  readonly log?: Logger;
  /** A broker that has not answered for so long is taken for dead. */
  readonly answerMs?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

interface Partition {
  readonly topic: string;
  readonly partition: number;
  readonly from: ReaderTopic['from'];
  position: bigint | undefined;
  leader: number | undefined;
  /** Its records are being handed over. */
  inHand: boolean;
  /** Monotonic; undefined before the first answer. */
  answeredAtMs: number | undefined;
  failures: number;
  notBeforeMs: number;
}

const PIECE = 64;
const MAX_WAIT_MS = 200;
const LIMITS = { maxWaitMs: MAX_WAIT_MS, maxBytes: 8 * 1024 * 1024, partitionMaxBytes: 1024 * 1024 };
const ANSWER_MS = 5_000;
const BACKOFF = { minMs: 50, maxMs: 2_000 };
const MAX_THROTTLE_MS = 30_000;
const COMPLAIN_EVERY_MS = 10_000;
const STOP_MS = 500;

export class KafkaReader implements Reader {
  readonly #partitions: readonly Partition[];
  readonly #brokers: Brokers;
  readonly #loops = new Map<number, Promise<void>>();
  readonly #stopped = new AbortController();
  readonly #clock: Clock;
  readonly #delayMs: (attempt: number) => number;
  #isReading = false;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #refreshing: Promise<void> | undefined;
  #complainedAtMs = -Infinity;

  constructor(
    connection: KafkaConnection,
    private readonly topics: readonly ReaderTopic[],
    private readonly handlers: ReaderHandlers,
    private readonly options: ReaderOptions = {},
  ) {
    const random = options.random ?? systemRandom;
    this.#clock = options.clock ?? systemClock;
    this.#delayMs = fullJitter(random, BACKOFF);
    this.#brokers = new Brokers(connection, options.answerMs ?? ANSWER_MS, random);
    this.#partitions = topics.flatMap(({ topic, partitions, from }) =>
      Array.from({ length: partitions }, (_, partition) => ({
        topic,
        partition,
        from,
        position: typeof from === 'object' && 'offset' in from ? from.offset : undefined,
        leader: undefined,
        inHand: false,
        answeredAtMs: undefined,
        failures: 0,
        notBeforeMs: 0,
      })),
    );
  }

  start(): Promise<void> {
    this.#starting ??= this.#begin();
    return this.#starting;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#end();
    return this.#stopping;
  }

  position(topic: string, partition: number): bigint | undefined {
    return this.#partitions.find((one) => one.topic === topic && one.partition === partition)?.position;
  }

  idleMs(): number {
    const answered = this.#partitions.map(({ answeredAtMs }) => answeredAtMs ?? -Infinity);
    return this.#clock.monotonicMs() - Math.min(...answered);
  }

  async #begin(): Promise<void> {
    for (let attempt = 0; !this.#isStopped; attempt += 1) {
      try {
        await this.#refresh();
        await this.#findStarts();
        this.#isReading = true;
        this.#startLoops();
        return;
      } catch (error) {
        if (error instanceof Fault) throw error;
        this.#complain('kafka is awaited', error);
        await this.#pause(this.#delayMs(attempt));
      }
    }
    throw new Fault('reader-stopped', 'stop', 'the reader was stopped before it knew where to start');
  }

  async #end(): Promise<void> {
    this.#stopped.abort();
    this.#brokers.close();
    // Only a handler that does not return takes longer.
    await atMost(STOP_MS, Promise.allSettled([this.#starting, ...this.#loops.values()]));
  }

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  #fail(failure: Fault): void {
    if (this.#isStopped) return;
    void this.stop();
    const { onFailure } = this.options;
    if (onFailure !== undefined) return onFailure(failure);
    queueMicrotask(() => {
      throw failure;
    });
  }

  /** Who leads what. Several loops that ask at once share one answer. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#loadLeaders().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  async #loadLeaders(): Promise<void> {
    const found = await this.#brokers.metadata(this.topics.map(({ topic }) => topic));
    const missing: string[] = [];
    for (const { topic, partitions } of this.topics) {
      const metadata = found.find((one) => one.topic === topic);
      if (metadata === undefined || metadata.errorCode !== ERROR.none) {
        missing.push(`${topic}: ${errorName(metadata?.errorCode ?? ERROR.unknownTopic)}`);
        continue;
      }
      if (metadata.partitions.length !== partitions) {
        const count = metadata.partitions.length;
        throw new Fault(
          'partition-count',
          'stop',
          `topic ${topic} has ${count} partitions, configured are ${partitions}`,
        );
      }
      for (const { partition, leader } of metadata.partitions) {
        const ours = this.#partitions.find((one) => one.topic === topic && one.partition === partition);
        if (ours !== undefined && leader >= 0) ours.leader = leader;
      }
    }
    if (this.#isReading) this.#startLoops();
    if (missing.length > 0) throw new Error(missing.join(', '));
  }

  #startLoops(): void {
    for (const { leader } of this.#partitions) {
      if (leader === undefined || this.#loops.has(leader) || this.#isStopped) continue;
      this.#loops.set(leader, this.#lead(leader));
    }
  }

  async #findStarts(): Promise<void> {
    const unknown = this.#partitions.filter(({ position }) => position === undefined);
    const leaderless = this.#partitions.find(({ leader }) => leader === undefined);
    if (leaderless !== undefined) throw new Error(`${leaderless.topic}[${leaderless.partition}] has no leader`);
    for (const leader of new Set(unknown.map((one) => one.leader as number))) {
      const led = unknown.filter((one) => one.leader === leader);
      const link = await this.#brokers.link(leader);
      // The end comes first: what is stored between the two questions is then read, not skipped.
      const bound = await this.#offsets(link, led, ({ from }) => (from === 'start' ? EARLIEST : LATEST));
      const timed = led.filter(({ from }) => typeof from === 'object');
      const byTime = await this.#offsets(link, timed, ({ from }) => (from as { timeMs: number }).timeMs);
      for (const partition of led) {
        const found = byTime.get(partition) ?? -1n; // -1: no record is as young
        partition.position = found >= 0n ? found : bound.get(partition);
      }
    }
  }

  async #offsets(
    link: Link,
    led: readonly Partition[],
    at: (one: Partition) => number,
  ): Promise<Map<Partition, bigint>> {
    if (led.length === 0) return new Map();
    const questions = led.map((one) => ({ topic: one.topic, partition: one.partition, at: at(one) }));
    const answers = await link.request(listOffsetsRequest(questions));
    return new Map(
      led.map((one) => {
        const answer = answers.find(({ topic, partition }) => topic === one.topic && partition === one.partition);
        if (answer?.errorCode !== ERROR.none) {
          throw new Error(
            `offsets of ${one.topic}[${one.partition}]: ${errorName(answer?.errorCode ?? ERROR.unknownTopic)}`,
          );
        }
        return [one, answer.offset];
      }),
    );
  }

  /** One broker's loop: ends when it leads nothing of ours, or with the reader. */
  async #lead(nodeId: number): Promise<void> {
    for (let attempt = 0, round = 0; !this.#isStopped; round += 1) {
      const led = this.#partitions.filter(({ leader }) => leader === nodeId);
      if (led.length === 0) break;
      const nowMs = this.#clock.monotonicMs();
      const due = led.filter(({ notBeforeMs, inHand }) => notBeforeMs <= nowMs && !inHand);
      if (due.length === 0) {
        await this.#pause(BACKOFF.minMs);
        continue;
      }
      try {
        await this.#fetch(nodeId, rotated(due, round));
        attempt = 0;
      } catch (error) {
        if (this.#isStopped) break;
        if (error instanceof Fault) {
          this.#fail(error);
          break;
        }
        this.#brokers.drop(nodeId);
        this.#complain('a broker does not answer', error, { broker: nodeId });
        await this.#refreshAgain();
        await this.#pause(this.#delayMs(attempt));
        attempt += 1;
      }
    }
    this.#loops.delete(nodeId);
  }

  /** @param due in rotated order: where the answer's limit of bytes is reached, the last ones come first next time */
  async #fetch(nodeId: number, due: readonly Partition[]): Promise<void> {
    const link = await this.#brokers.link(nodeId);
    const asked = due.map((one) => ({ one, topic: one.topic, partition: one.partition, offset: one.position ?? 0n }));
    const { answers, errorCode, throttleMs } = await link.request(fetchRequest(asked, LIMITS), MAX_WAIT_MS);
    if (errorCode !== ERROR.none) throw new Error(`fetch: ${errorName(errorCode)}`);
    for (const answer of answers) {
      if (this.#isStopped) return;
      const question = asked.find(({ topic, partition }) => topic === answer.topic && partition === answer.partition);
      if (question === undefined) throw new Error(`fetch: ${answer.topic}[${answer.partition}] was not asked for`);
      const { one, offset } = question;
      // Meanwhile the partition may have been given to another leader's loop (R2).
      if (one.leader !== nodeId || one.inHand || one.position !== offset) continue;
      one.inHand = true;
      try {
        await this.#take(one, answer, link);
      } finally {
        one.inHand = false;
      }
    }
    if (throttleMs > 0) await this.#pause(Math.min(throttleMs, MAX_THROTTLE_MS));
  }

  async #take(one: Partition, answer: FetchAnswer, link: Link): Promise<void> {
    switch (answer.errorCode) {
      case ERROR.none:
        await this.#handOver(one, answer.records);
        one.failures = 0;
        one.answeredAtMs = this.#clock.monotonicMs();
        return;
      case ERROR.offsetOutOfRange:
        return this.#returnIntoLog(one, link);
      default:
        one.notBeforeMs = this.#clock.monotonicMs() + this.#delayMs(one.failures);
        one.failures += 1;
        this.#complain('a partition can not be read now', new Error(errorName(answer.errorCode)), {
          topic: one.topic,
          partition: one.partition,
        });
        void this.#refreshAgain();
    }
  }

  async #returnIntoLog(one: Partition, link: Link): Promise<void> {
    const { topic, partition, position = 0n } = one;
    const low = (await this.#offsets(link, [one], () => EARLIEST)).get(one) ?? 0n;
    const high = (await this.#offsets(link, [one], () => LATEST)).get(one) ?? 0n;
    if (position < low) {
      this.#tell(one, () => this.handlers.lost({ topic, partition, from: position, to: low, why: 'retention' }));
      this.#moveTo(one, low);
    } else if (position > high) {
      this.#tell(one, () => this.handlers.lost({ topic, partition, from: high, to: position, why: 'truncation' }));
      this.#moveTo(one, high);
    }
  }

  async #handOver(one: Partition, set: Buffer): Promise<void> {
    const { topic, partition } = one;
    const start = one.position ?? 0n;
    let next = start;
    let piece: IncomingRecord[] = [];
    const flush = async (to: bigint): Promise<void> => {
      if (piece.length > 0) await this.#handlePiece(one, piece);
      piece = [];
      this.#moveTo(one, to);
    };
    for (const batch of batchesOf(set)) {
      if (batch.next <= next) continue; // a broker answers with the whole batch that holds the position
      if (batch.is === 'unreadable') {
        await flush(next);
        if (this.#isStopped) return;
        const loss = { topic, partition, from: next, to: batch.next, why: 'unreadable', detail: batch.why } as const;
        this.#tell(one, () => this.handlers.lost(loss));
      } else {
        for (const record of batch.records) {
          if (record.offset < next) continue;
          piece.push({ topic, partition, ...record });
          if (piece.length < PIECE) continue;
          await flush(record.offset + 1n);
          if (this.#isStopped) return;
        }
      }
      next = batch.next; // R1
    }
    if (set.length > 0 && next === start)
      throw new Error(`${topic}[${partition}]: no whole batch in ${set.length} bytes`);
    await flush(next);
  }

  async #handlePiece(one: Partition, piece: readonly IncomingRecord[]): Promise<void> {
    try {
      await this.handlers.records(piece);
    } catch (error) {
      throw handlerFailed(one, error, `offsets ${piece[0]?.offset} to ${piece.at(-1)?.offset}`);
    }
    await new Promise((resolve) => setImmediate(resolve)); // sockets and timers get their turn
  }

  #moveTo(one: Partition, next: bigint): void {
    if (this.#isStopped || one.position === next) return;
    one.position = next;
    this.#tell(one, () => this.handlers.position(one.topic, one.partition, next));
  }

  #tell(one: Partition, handler: () => void): void {
    try {
      handler();
    } catch (error) {
      throw handlerFailed(one, error, `position ${one.position}`);
    }
  }

  async #refreshAgain(): Promise<void> {
    try {
      await this.#refresh();
    } catch (error) {
      if (error instanceof Fault) this.#fail(error);
      else this.#complain('metadata can not be had', error);
    }
  }

  #pause(ms: number): Promise<void> {
    return this.#clock.sleep(ms, this.#stopped.signal);
  }

  /** A line now and then while something is awaited, not one per attempt. */
  #complain(message: string, error: unknown, fields: Readonly<Record<string, unknown>> = {}): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#isStopped || nowMs - this.#complainedAtMs < COMPLAIN_EVERY_MS) return;
    this.#complainedAtMs = nowMs;
    this.options.log?.warn({ ...fields, why: error instanceof Error ? error.message : String(error) }, message);
  }
}

const handlerFailed = ({ topic, partition }: Partition, cause: unknown, where: string): Fault =>
  new Fault(
    'handler-failed',
    'stop',
    `${topic}[${partition}], ${where}: ${cause instanceof Error ? cause.message : String(cause)}`,
    { cause },
  );

const rotated = <T>(items: readonly T[], round: number): T[] => {
  const first = round % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
};
