import { topicsOf, type Topics } from '@tradesense/contracts';
import {
  connectAdmin,
  openReader,
  type Admin,
  type IncomingRecord,
  type KafkaConnection,
  type Loss,
  type Reader,
  type StartAt,
} from '@tradesense/kafka';
import { faultOf, systemClock, type Clock, type Finding, type Logger, type Part } from '@tradesense/platform';

import { readRecord, type SpoiltWhy } from './record.js';
import type { AccessSink, FactSink, Progress, Stream } from './sinks.js';
import { readWatermark } from './watermark.js';

/** What is counted on the way; nothing here changes what happens. */
export interface IntakeSignals {
  read(stream: Stream, records: number): void;
  spoilt(why: SpoiltWhy | 'watermark'): void;
  lost(stream: Stream | 'watermarks' | 'access', why: Loss['why']): void;
}

export interface IntakeOptions {
  readonly connection: KafkaConnection;
  readonly topicPrefix: string;
  readonly sink: FactSink;
  readonly progress: Progress;
  readonly access: AccessSink;
  readonly signals: IntakeSignals;
  readonly log: Logger;
  readonly clock?: Clock;
  /** A reader that ends by itself has met what nobody expected. */
  readonly fail: (error: unknown) => void;
}

/** What the warm start waits for. */
type Awaited = Stream | 'access';
const AWAITED: readonly Awaited[] = ['events', 'state', 'access'];

/** As far back as rings reach (design 8.2), and a little more for clocks that differ. */
const EVENTS_BACK_MS = 16 * 60_000;
const COMPLAIN_EVERY_MS = 10_000;
const ASK_AGAIN_MS = 500;
const QUIET_LIMIT_MS = 15_000;
const FIRST_NOTICE_MS = 20;

/**
 * Reads what the relay publishes and what operators decide, and hands it on in order. Three readers: a backlog of events delays
 * neither the watermarks by which it is noticed nor a revocation, and states delay no event. The order between a challenge's events
 * and its states is nowhere counted on.
 *
 * Warm start (design 8.1): the ends of the topics are listed first; states and access are read from the beginning and events of
 * the last quarter of an hour, all past the listed ends; only then does `start` resolve and are watermarks listened to. Nobody is
 * connected before, so nothing is told to anyone. A Kafka that is away is waited for, with a line in the log now and then.
 *
 * Where the access topic has lost records, what is left of it is read again from its start: it is compacted, and may hold what our
 * position has passed over. Until then nobody comes in; who was shut out stays so, whatever is gone.
 */
export class Intake implements Part {
  readonly name = 'intake';
  readonly #topics: Topics;
  readonly #clock: Clock;
  readonly #stopping = new AbortController();
  readonly #behind = new Map<string, bigint>();
  readonly #facts = new Map<Stream, Reader>();
  #notices: Reader | undefined;
  #caughtUp: (() => void) | undefined;
  /** Why the ends of the topics are not known yet. */
  #awaited: string | undefined;
  #isWarm = false;
  /** Losses of the access topic, and after how many of them it was read again. */
  readonly #accessLosses = { told: 0, mended: 0 };

  constructor(private readonly options: IntakeOptions) {
    this.#topics = topicsOf(options.topicPrefix);
    this.#clock = options.clock ?? systemClock;
  }

  async start(): Promise<void> {
    try {
      await this.#listEnds(AWAITED);
      await Promise.all([
        this.#readNotices(),
        this.#readFacts('events', { timeMs: Math.max(0, this.#clock.now() - EVENTS_BACK_MS) }),
        this.#readFacts('state', 'start'),
      ]);
      await this.#warm();
      await this.#firstNotice();
      this.#isWarm = !this.#isStopping;
    } catch (error) {
      if (!this.#isStopping) throw error;
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#caughtUp?.();
    await Promise.all(this.#readers.map((reader) => reader.stop()));
  }

  /** For readiness. */
  finding(): Finding {
    const trouble = this.#readers.map((reader) => reader.trouble()).find((what) => what !== undefined) ?? this.#awaited;
    const because = trouble === undefined ? '' : `: ${trouble}`;
    if (!this.#isWarm) return { ok: false, detail: `warm start: ${this.#behind.size} partitions are behind${because}` };
    if (this.#isBlind) return { ok: false, detail: 'the access topic lost records, and is read again from its start' };
    const idleMs = Math.max(...this.#readers.map((reader) => reader.idleMs()));
    if (idleMs <= QUIET_LIMIT_MS) return { ok: true };
    return { ok: false, detail: `Kafka has not answered for ${Math.round(idleMs / 1000)} s${because}` };
  }

  /** How long ago the access topic was last read, or found to hold nothing new; Infinity before, and while it is read again. */
  get accessIdleMs(): number {
    return this.#isWarm && !this.#isBlind ? (this.#notices?.idleMs() ?? Infinity) : Infinity;
  }

  get #readers(): readonly Reader[] {
    return [...this.#facts.values(), ...(this.#notices === undefined ? [] : [this.#notices])];
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  get #isBlind(): boolean {
    const { told, mended } = this.#accessLosses;
    return told > mended;
  }

  async #listEnds(streams: readonly Awaited[]): Promise<void> {
    const { connection, log } = this.options;
    const admin = connectAdmin(connection, { log });
    try {
      for (const stream of streams) {
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

  async #readFacts(stream: Stream, from: StartAt): Promise<void> {
    if (this.#isStopping) return;
    const { connection, sink, progress, signals, log, fail } = this.options;
    const { name, partitions } = this.#topics[stream];
    const reader = openReader(
      connection,
      [{ topic: name, partitions, from }],
      {
        records: (records) => this.#take(records, stream),
        lost: ({ topic, partition, from: low, to, why, detail }) => {
          log.error({ topic, partition, from: String(low), to: String(to), why, detail }, 'records were lost');
          signals.lost(stream, why);
          if (stream === 'events') sink.lost(partition);
          // What was to be waited for is not there any more.
          if (why === 'truncation') this.#caughtUpWith(keyOf(stream, partition));
        },
        position: (_, partition, next) => {
          progress.passed(stream, partition, next);
          if (this.#behind.size > 0) this.#reached(stream, partition, next);
        },
      },
      { log, onFailure: fail },
    );
    this.#facts.set(stream, reader);
    await reader.start();
  }

  #take(records: readonly IncomingRecord[], stream: Stream): void {
    const { sink, signals } = this.options;
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
          else sink.spoilt(fact.challengeId, record.partition);
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
    for (const stream of AWAITED) {
      const { name, partitions } = this.#topics[stream];
      const reader = stream === 'access' ? this.#notices : this.#facts.get(stream);
      for (let partition = 0; partition < partitions; partition += 1)
        this.#reached(stream, partition, reader?.position(name, partition) ?? 0n);
    }
    while (this.#behind.size > 0 && !this.#isStopping) {
      const caughtUp = new Promise<void>((resolve) => (this.#caughtUp = resolve));
      await Promise.race([caughtUp, this.#clock.sleep(COMPLAIN_EVERY_MS, this.#stopping.signal)]);
      if (this.#behind.size > 0) log.info({ partitions_behind: this.#behind.size }, 'still warming up');
    }
    if (!this.#isStopping) log.info({ took_ms: Math.round(this.#clock.monotonicMs() - beganMs) }, 'warm');
  }

  /** An empty topic is not waited for above, but nobody may be judged by it before it was once found empty. */
  async #firstNotice(): Promise<void> {
    while (this.#notices?.idleMs() === Infinity && !this.#isStopping)
      await this.#clock.sleep(FIRST_NOTICE_MS, this.#stopping.signal);
  }

  #reached(stream: Awaited, partition: number, next: bigint): void {
    const key = keyOf(stream, partition);
    const end = this.#behind.get(key);
    if (end !== undefined && next >= end) this.#caughtUpWith(key);
  }

  #caughtUpWith(key: string): void {
    this.#behind.delete(key);
    if (this.#behind.size === 0) this.#caughtUp?.();
  }

  async #readNotices(): Promise<void> {
    if (this.#isStopping) return;
    const { connection, signals, log, fail } = this.options;
    const { watermarks, access } = this.#topics;
    this.#notices = openReader(
      connection,
      [
        { topic: watermarks.name, partitions: watermarks.partitions, from: 'end' },
        { topic: access.name, partitions: access.partitions, from: 'start' },
      ],
      {
        records: (records) => {
          for (const record of records) {
            if (record.topic === access.name) this.#takeAccess(record);
            else this.#takeWatermark(record);
          }
        },
        lost: ({ topic, partition, from, to, why, detail }) => {
          const isAccess = topic === access.name;
          signals.lost(isAccess ? 'access' : 'watermarks', why);
          if (!isAccess) return;
          log.error({ topic, from: String(from), to: String(to), why, detail }, 'revocations may have been lost');
          if (why === 'truncation') this.#caughtUpWith(keyOf('access', partition));
          // Bytes that can't be read would be met again.
          if (this.#isWarm && why !== 'unreadable') this.#mendAccess().catch(fail);
        },
        position: (topic, partition, next) => {
          if (topic === access.name && this.#behind.size > 0) this.#reached('access', partition, next);
        },
      },
      { log, onFailure: fail },
    );
    await this.#notices.start();
  }

  async #mendAccess(): Promise<void> {
    const losses = this.#accessLosses;
    losses.told += 1;
    if (losses.told > losses.mended + 1) return; // it is under way, and goes on until no loss is left
    while (this.#isBlind && !this.#isStopping) {
      const { told } = losses;
      await this.#notices?.stop();
      try {
        await this.#listEnds(['access']);
        await this.#readNotices();
      } catch (error) {
        if (!this.#isStopping) throw error;
      }
      this.#reached('access', 0, this.#notices?.position(this.#topics.access.name, 0) ?? 0n);
      while (
        !this.#isStopping &&
        losses.told === told &&
        (this.#behind.size > 0 || this.#notices?.idleMs() === Infinity)
      )
        await this.#clock.sleep(FIRST_NOTICE_MS, this.#stopping.signal);
      losses.mended = told;
    }
    if (!this.#isStopping) this.options.log.warn({ losses: losses.told }, 'the access topic was read again');
  }

  #takeAccess({ key, value, offset }: IncomingRecord): void {
    const taken = this.options.access.take(key?.toString('utf8') ?? '', value);
    if (taken === 'spoilt' || taken === 'nobody')
      this.options.log.error({ offset: String(offset), taken }, 'a record of the access topic can not be read');
  }

  /** Those from before the warm start's end say what was so then. */
  #takeWatermark({ value }: IncomingRecord): void {
    if (!this.#isWarm) return;
    const watermark = readWatermark(value);
    if (watermark === undefined) this.options.signals.spoilt('watermark');
    else this.options.progress.watermark(watermark);
  }
}

const keyOf = (stream: Awaited, partition: number): string => `${stream}/${partition}`;
