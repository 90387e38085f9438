import {
  Fault,
  fullJitter,
  systemClock,
  systemRandom,
  type Clock,
  type Logger,
  type Random,
} from '@tradesense/platform';
import { atMost } from '../bounds.js';
import { Brokers } from '../brokers.js';
import type { Link } from '../kafkajs/link.js';
import type { KafkaConnection, Reader, ReaderHandlers, ReaderTopic } from '../port.js';
import { fetchRequest, type FetchAnswer } from '../protocol/fetch.js';
import { EARLIEST, LATEST, listOffsetsRequest } from '../protocol/list-offsets.js';
import { ERROR, errorName } from '../protocol/request.js';
import { Place, Turns } from './place.js';

/**
 * Reading without a group. What is authoritative is each partition's `Place`; brokers are asked for what lies there.
 *
 * One loop per leading broker fetches all partitions that the broker leads. Each failure of a broker (error, time-out) costs
 * its link, then metadata are asked for again, then a wait of 50 ms to 2 s with full jitter, for ever; the loops of other
 * leaders go on. A failure of one partition costs that partition the same wait, the others none. A position outside
 * the log is reported: below its start as retention (reading goes on at the start), beyond its end as truncation (at the end).
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
  /** Pause between two questions to a broker, for a reader that may be late and must not take the processor from others. */
  readonly pauseMs?: number;
  /** Largest answer, unless one batch alone is larger: what a reader holds in memory is a small multiple of it. */
  readonly maxBytes?: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

const MAX_WAIT_MS = 200;
const MAX_BYTES = 8 * 1024 * 1024;
const PARTITION_MAX_BYTES = 1024 * 1024;
const limitsOf = (maxBytes: number) => ({
  maxWaitMs: MAX_WAIT_MS,
  maxBytes,
  partitionMaxBytes: Math.min(maxBytes, PARTITION_MAX_BYTES),
});
const NEEDED = [fetchRequest([], limitsOf(MAX_BYTES)), listOffsetsRequest([])];
const ANSWER_MS = 5_000;
const BACKOFF = { minMs: 50, maxMs: 2_000 };
const MAX_THROTTLE_MS = 30_000;
const COMPLAIN_EVERY_MS = 10_000;
const STOP_MS = 500;

export class KafkaReader implements Reader {
  readonly #stopped = new AbortController();
  readonly #places: readonly Place[];
  readonly #brokers: Brokers;
  readonly #loops = new Map<number, Promise<void>>();
  readonly #clock: Clock;
  readonly #maxBytes: number;
  readonly #delayMs: (attempt: number) => number;
  #isReading = false;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;
  #refreshing: Promise<void> | undefined;
  #trouble = { what: '', atMs: -Infinity };
  #complainedAtMs = -Infinity;

  constructor(
    connection: KafkaConnection,
    private readonly topics: readonly ReaderTopic[],
    handlers: ReaderHandlers,
    private readonly options: ReaderOptions = {},
  ) {
    const random = options.random ?? systemRandom;
    this.#clock = options.clock ?? systemClock;
    this.#maxBytes = options.maxBytes ?? MAX_BYTES;
    this.#delayMs = fullJitter(random, BACKOFF);
    this.#brokers = new Brokers(connection, { answerMs: options.answerMs ?? ANSWER_MS, needed: NEEDED, random });
    const turns = new Turns();
    this.#places = topics.flatMap(({ topic, partitions, from }) =>
      Array.from(
        { length: partitions },
        (_, partition) => new Place(topic, partition, from, handlers, this.#stopped.signal, turns),
      ),
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
    return this.#place(topic, partition)?.position;
  }

  idleMs(): number {
    return this.#clock.monotonicMs() - this.#idleSinceMs;
  }

  trouble(): string | undefined {
    return this.#trouble.atMs > this.#idleSinceMs ? this.#trouble.what : undefined;
  }

  get #idleSinceMs(): number {
    return Math.min(...this.#places.map(({ answeredAtMs }) => answeredAtMs ?? -Infinity));
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

  #place(topic: string, partition: number): Place | undefined {
    return this.#places.find((one) => one.topic === topic && one.partition === partition);
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
    const { leaders, missing } = await this.#brokers.leaders(this.topics);
    for (const { topic, partition, nodeId } of leaders) {
      const place = this.#place(topic, partition);
      if (place !== undefined) place.leader = nodeId;
    }
    if (this.#isReading) this.#startLoops();
    if (missing.length > 0) throw new Error(missing.join(', '));
  }

  #startLoops(): void {
    for (const { leader } of this.#places) {
      if (leader === undefined || this.#loops.has(leader) || this.#isStopped) continue;
      this.#loops.set(leader, this.#lead(leader));
    }
  }

  async #findStarts(): Promise<void> {
    const leaderless = this.#places.find(({ leader }) => leader === undefined);
    if (leaderless !== undefined) throw new Error(`${leaderless.name} has no leader`);
    const unknown = this.#places.filter(({ position }) => position === undefined);
    for (const leader of new Set(unknown.map((place) => place.leader as number))) {
      const led = unknown.filter((place) => place.leader === leader);
      const link = await this.#brokers.link(leader);
      // The end comes first: what is stored between the two questions is then read, not skipped.
      const bound = await offsetsOf(link, led, ({ from }) => (from === 'start' ? EARLIEST : LATEST));
      const timed = led.filter(({ from }) => typeof from === 'object');
      const byTime = await offsetsOf(link, timed, ({ from }) => (from as { timeMs: number }).timeMs);
      for (const place of led) {
        const found = byTime.get(place) ?? -1n; // -1: no record is as young
        place.position = found >= 0n ? found : bound.get(place);
      }
    }
  }

  /** One broker's loop: ends when it leads nothing of ours, or with the reader. */
  async #lead(nodeId: number): Promise<void> {
    for (let attempt = 0, round = 0; !this.#isStopped; round += 1) {
      const led = this.#places.filter(({ leader }) => leader === nodeId);
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
  async #fetch(nodeId: number, due: readonly Place[]): Promise<void> {
    const link = await this.#brokers.link(nodeId);
    const asked = due.map((place) => ({
      place,
      topic: place.topic,
      partition: place.partition,
      offset: place.position ?? 0n,
    }));
    const { answers, errorCode, throttleMs } = await link.request(
      fetchRequest(asked, limitsOf(this.#maxBytes)),
      MAX_WAIT_MS,
    );
    if (errorCode !== ERROR.none) throw new Error(`fetch: ${errorName(errorCode)}`);
    for (const answer of answers) {
      if (this.#isStopped) return;
      const question = asked.find(({ topic, partition }) => topic === answer.topic && partition === answer.partition);
      if (question === undefined) throw new Error(`fetch: ${answer.topic}[${answer.partition}] was not asked for`);
      const { place, offset } = question;
      // Meanwhile the partition may have been given to another leader's loop (R2).
      if (place.leader !== nodeId || place.inHand || place.position !== offset) continue;
      if (answer.errorCode === ERROR.none && answer.records.length === 0) {
        place.answered(this.#clock.monotonicMs()); // nothing new, as of most partitions: no turn is taken for it
        continue;
      }
      place.inHand = true;
      try {
        await this.#take(place, answer, link);
      } finally {
        place.inHand = false;
      }
    }
    const pauseMs = Math.max(Math.min(throttleMs, MAX_THROTTLE_MS), this.options.pauseMs ?? 0);
    if (pauseMs > 0) await this.#pause(pauseMs);
  }

  async #take(place: Place, { errorCode, records }: FetchAnswer, link: Link): Promise<void> {
    if (errorCode === ERROR.offsetOutOfRange) {
      const low = await offsetsOf(link, [place], () => EARLIEST);
      const high = await offsetsOf(link, [place], () => LATEST);
      return place.returnBetween(low.get(place) ?? 0n, high.get(place) ?? 0n);
    }
    if (errorCode !== ERROR.none) return this.#putOff(place, new Error(errorName(errorCode)));
    try {
      await place.handOver(records);
    } catch (error) {
      if (error instanceof Fault) throw error;
      return this.#putOff(place, error);
    }
    place.answered(this.#clock.monotonicMs());
  }

  #putOff(place: Place, error: unknown): void {
    place.notBeforeMs = this.#clock.monotonicMs() + this.#delayMs(place.failures);
    place.failures += 1;
    const { topic, partition, position } = place;
    this.#complain('a partition can not be read now', error, { topic, partition, offset: String(position) });
    void this.#refreshAgain();
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
    const why = error instanceof Error ? error.message : String(error);
    this.#trouble = { what: why, atMs: nowMs };
    if (this.#isStopped || nowMs - this.#complainedAtMs < COMPLAIN_EVERY_MS) return;
    this.#complainedAtMs = nowMs;
    this.options.log?.warn({ ...fields, why }, message);
  }
}

async function offsetsOf(
  link: Link,
  places: readonly Place[],
  at: (one: Place) => number,
): Promise<Map<Place, bigint>> {
  if (places.length === 0) return new Map();
  const questions = places.map((place) => ({ topic: place.topic, partition: place.partition, at: at(place) }));
  const answers = await link.request(listOffsetsRequest(questions));
  return new Map(
    places.map((place) => {
      const answer = answers.find(({ topic, partition }) => topic === place.topic && partition === place.partition);
      if (answer?.errorCode !== ERROR.none) {
        throw new Error(`offsets of ${place.name}: ${errorName(answer?.errorCode ?? ERROR.unknownTopic)}`);
      }
      return [place, answer.offset];
    }),
  );
}

const rotated = <T>(items: readonly T[], round: number): T[] => {
  const first = round % items.length;
  return [...items.slice(first), ...items.slice(0, first)];
};
