import { topicsOf, type Topics } from '@tradesense/contracts';
import {
  connectAdmin,
  openReader,
  type Admin,
  type IncomingRecord,
  type KafkaConnection,
  type Loss,
  type Reader,
} from '@tradesense/kafka';
import { faultOf, systemClock, type Clock, type Finding, type Logger, type Part } from '@tradesense/platform';

import { readRecord, type SpoiltWhy } from './record.js';
import type { FactSink, Progress, Stream } from './sinks.js';
import { readWatermark } from './watermark.js';

/** What is counted on the way; nothing here changes what happens. */
export interface IntakeSignals {
  read(stream: Stream, records: number): void;
  spoilt(why: SpoiltWhy | 'watermark'): void;
  lost(stream: Stream | 'watermarks', why: Loss['why']): void;
}

export interface IntakeOptions {
  readonly connection: KafkaConnection;
  readonly topicPrefix: string;
  readonly sink: FactSink;
  readonly progress: Progress;
  readonly signals: IntakeSignals;
  readonly log: Logger;
  readonly clock?: Clock;
  /** A reader that ends by itself has met what nobody expected. */
  readonly fail: (error: unknown) => void;
}

/** As far back as rings reach (design 8.2), and a little more for clocks that differ. */
const EVENTS_BACK_MS = 16 * 60_000;
const COMPLAIN_EVERY_MS = 10_000;
const ASK_AGAIN_MS = 500;
const QUIET_LIMIT_MS = 15_000;

/**
 * Reads what the relay publishes and hands it on in order. Two readers, so that a backlog of events does not delay the
 * watermarks by which it is noticed.
 *
 * Warm start (design 8.1): the ends of both topics are listed first; states are read from the beginning and events of the last
 * quarter of an hour, both past the listed ends; only then does `start` resolve and are watermarks listened to. Nobody is
 * connected before, so nothing is told to anyone. A Kafka that is away is waited for, with a line in the log now and then.
 */
export class Intake implements Part {
  readonly name = 'intake';
  readonly #topics: Topics;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  readonly #behind = new Map<string, bigint>();
  #facts: Reader | undefined;
  #watermarks: Reader | undefined;
  #caughtUp: (() => void) | undefined;
  /** Why the ends of the topics are not known yet. */
  #awaited: string | undefined;
  #isWarm = false;

  constructor(private readonly options: IntakeOptions) {
    this.#topics = topicsOf(options.topicPrefix);
    this.#clock = options.clock ?? systemClock;
  }

  async start(): Promise<void> {
    try {
      await this.#listEnds();
      await this.#readFacts();
      await this.#warm();
      if (this.#isStopping) return;
      this.#isWarm = true;
      await this.#readWatermarks();
    } catch (error) {
      if (!this.#isStopping) throw error;
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#caughtUp?.();
    await Promise.all([this.#facts?.stop(), this.#watermarks?.stop()]);
  }

  /** For readiness. */
  finding(): Finding {
    const trouble = this.#facts?.trouble() ?? this.#watermarks?.trouble() ?? this.#awaited;
    const because = trouble === undefined ? '' : `: ${trouble}`;
    if (!this.#isWarm) return { ok: false, detail: `warm start: ${this.#behind.size} partitions are behind${because}` };
    const idleMs = Math.max(this.#facts?.idleMs() ?? 0, this.#watermarks?.idleMs() ?? 0);
    if (idleMs <= QUIET_LIMIT_MS) return { ok: true };
    return { ok: false, detail: `Kafka has not answered for ${Math.round(idleMs / 1000)} s${because}` };
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  async #listEnds(): Promise<void> {
    const { connection, log } = this.options;
    const admin = connectAdmin(connection, { log });
    try {
      for (const stream of ['events', 'state'] as const) {
        const ends = await this.#endsOf(admin, this.#topics[stream].name);
        for (const [partition, end] of ends) if (end > 0n) this.#behind.set(keyOf(stream, partition), end);
      }
    } finally {
      await admin.close();
    }
  }

  async #endsOf(admin: Admin, topic: string): Promise<ReadonlyMap<number, bigint>> {
    for (let complainedAtMs = -Infinity; !this.#isStopping;) {
      try {
        const ends = await admin.ends(topic);
        this.#awaited = undefined;
        return ends;
      } catch (error) {
        const fault = faultOf(error);
        if (fault.remedy !== 'wait') throw fault;
        this.#awaited = fault.message;
        if (this.#clock.monotonicMs() - complainedAtMs >= COMPLAIN_EVERY_MS) {
          complainedAtMs = this.#clock.monotonicMs();
          this.options.log.warn({ topic, why: fault.message }, 'the ends of a topic are awaited');
        }
        await this.#clock.sleep(ASK_AGAIN_MS, this.#stopping.signal);
      }
    }
    return new Map();
  }

  async #readFacts(): Promise<void> {
    if (this.#isStopping) return;
    const { connection, sink, progress, signals, log, fail } = this.options;
    const { events, state } = this.#topics;
    const streamOf = (topic: string): Stream => (topic === events.name ? 'events' : 'state');
    this.#facts = openReader(
      connection,
      [
        {
          topic: events.name,
          partitions: events.partitions,
          from: { timeMs: Math.max(0, this.#clock.now() - EVENTS_BACK_MS) },
        },
        { topic: state.name, partitions: state.partitions, from: 'start' },
      ],
      {
        records: (records) => this.#take(records, streamOf),
        lost: ({ topic, partition, from, to, why, detail }) => {
          log.error({ topic, partition, from: String(from), to: String(to), why, detail }, 'records were lost');
          const stream = streamOf(topic);
          signals.lost(stream, why);
          if (stream === 'events') sink.lost(partition);
          // What was to be waited for is not there any more.
          if (why === 'truncation') this.#caughtUpWith(keyOf(stream, partition));
        },
        position: (topic, partition, next) => {
          const stream = streamOf(topic);
          progress.passed(stream, partition, next);
          if (this.#behind.size > 0) this.#reached(stream, partition, next);
        },
      },
      { log, onFailure: fail },
    );
    await this.#facts.start();
  }

  #take(records: readonly IncomingRecord[], streamOf: (topic: string) => Stream): void {
    const [first] = records;
    if (first === undefined) return;
    const { sink, signals } = this.options;
    const stream = streamOf(first.topic);
    signals.read(stream, records.length);
    for (const record of records) {
      const fact = readRecord(record, stream);
      switch (fact.is) {
        case 'event':
          sink.event(fact.event);
          break;
        case 'state':
          sink.state(fact.state);
          break;
        case 'tombstone':
          sink.tombstone(fact.challengeId);
          break;
        case 'spoilt':
          this.#spoilt(record, fact.why);
          if (stream === 'state') break; // the next state says all that this one would have
          if (fact.challengeId === undefined) sink.lost(record.partition);
          else sink.spoilt(fact.challengeId);
      }
    }
  }

  #spoilt({ topic, partition, offset }: IncomingRecord, why: SpoiltWhy): void {
    this.options.signals.spoilt(why);
    this.options.log.error({ topic, partition, offset: String(offset), why }, 'a record can not be passed on');
  }

  /** Resolves once all that was in Kafka when we began is taken, or when we are to stop. */
  async #warm(): Promise<void> {
    const { log } = this.options;
    const beganMs = this.#clock.monotonicMs();
    for (const stream of ['events', 'state'] as const)
      for (let partition = 0; partition < this.#topics[stream].partitions; partition += 1)
        this.#reached(stream, partition, this.#facts?.position(this.#topics[stream].name, partition) ?? 0n);
    while (this.#behind.size > 0 && !this.#isStopping) {
      const caughtUp = new Promise<void>((resolve) => (this.#caughtUp = resolve));
      await Promise.race([caughtUp, this.#clock.sleep(COMPLAIN_EVERY_MS, this.#stopping.signal)]);
      if (this.#behind.size > 0) log.info({ partitions_behind: this.#behind.size }, 'still warming up');
    }
    if (!this.#isStopping) log.info({ took_ms: Math.round(this.#clock.monotonicMs() - beganMs) }, 'warm');
  }

  #reached(stream: Stream, partition: number, next: bigint): void {
    const key = keyOf(stream, partition);
    const end = this.#behind.get(key);
    if (end !== undefined && next >= end) this.#caughtUpWith(key);
  }

  #caughtUpWith(key: string): void {
    this.#behind.delete(key);
    if (this.#behind.size === 0) this.#caughtUp?.();
  }

  async #readWatermarks(): Promise<void> {
    const { connection, progress, signals, log, fail } = this.options;
    const { name: topic, partitions } = this.#topics.watermarks;
    this.#watermarks = openReader(
      connection,
      [{ topic, partitions, from: 'end' }],
      {
        records: (records) => {
          for (const { value } of records) {
            const watermark = readWatermark(value);
            if (watermark === undefined) signals.spoilt('watermark');
            else progress.watermark(watermark);
          }
        },
        lost: ({ why }) => signals.lost('watermarks', why),
        position: () => undefined,
      },
      { log, onFailure: fail },
    );
    await this.#watermarks.start();
  }
}

const keyOf = (stream: Stream, partition: number): string => `${stream}/${partition}`;
