import { STATE, type TopicSpec } from '@tradesense/contracts';
import type { Ends, IncomingRecord, OpenReader } from '@tradesense/kafka';
import type { StoredRow } from '@tradesense/outbox';
import { faultOf, type Clock, type Logger } from '@tradesense/platform';

import type { Session } from '../database/index.js';
import { rowOf, rowsOfChallenge, type Row } from '../reading/index.js';
import { Wake } from '../wake/index.js';
import type { StatesMetrics } from './metrics.js';
import { compareVersions, versionOf, type Version } from './version.js';

/**
 * The topic of states is compacted: the last record of a challenge is what stays. A batch whose sender gave it up, or a stopped
 * leader that wakes up, may still be stored minutes later, behind newer states; for events that is a repeat that consumers
 * drop, but here the older state would stay (design 6.4). So for a while after a take-over and after each unclear send the
 * leader reads what comes into the topic, and publishes the newer state again where a challenge went backwards.
 *
 * G1 The window is read from where the topic ended as of the last acknowledgement. Whatever came late, its sender's successor
 *    has sent the same rows again since, so the newer state is met in the window too.
 * G2 An older state that is followed by a newer one has healed: that is how every repeat from the floor looks. Only what is
 *    older for longer than a moment, with everything read that was acknowledged when it was seen, is repaired.
 * G3 The newer state is sent between two batches, by the one stream of sends, and not if a still newer one was acknowledged
 *    since: a repair must not be the older state itself. Then it is the newest again, and nothing follows from it.
 *
 * What was read is kept as a version per challenge; the state itself comes out of the outbox. Failures cost the guard time,
 * never the leader: it only adds errands, and reads when the leader has nothing better to do with the processor, though not
 * for ever. Deliberately not done: a look further back than the window.
 */
export interface GuardOptions {
  readonly session: Pick<Session, 'query'>;
  readonly open: OpenReader;
  readonly topic: TopicSpec;
  /** Where the partitions of the states ended after the lease was taken. */
  readonly ends: ReadonlyMap<number, bigint>;
  readonly windowMs: number;
  /** Challenges kept in mind. */
  readonly limit?: number;
  /** Whether more rows wait for the leader than one batch takes. */
  readonly isBehind: () => boolean;
  readonly errands: ErrandList;
  readonly sendRows: (rows: readonly Row[]) => Promise<void>;
  readonly clock: Clock;
  readonly metrics: Pick<StatesMetrics, 'repaired' | 'forgotten'>;
  readonly log: Logger;
}

/** Does what it is given between two batches. */
export interface ErrandList {
  readonly isFull: boolean;
  add(errand: () => Promise<void>): void;
}

interface Backwards {
  readonly cameAtMs: number;
  readonly partition: number;
  /** Where that partition ended then, as far as was acknowledged. */
  readonly end: bigint;
}

/** How long an older state may be the last one. */
const GRACE_MS = 1_000;
const LIMIT = 100_000;
const REPAIRS_AT_ONCE = 100;
const AGAIN_MS = 1_000;
const ASLEEP_MS = 60_000;
/** How long a backlog of the leader keeps the guard from reading. */
const GIVE_WAY_MS = { atMost: 60_000, step: 250 };
/** The leader's own sends come first, and its memory is not the guard's. */
const UNHURRIED = { pauseMs: 250, maxBytes: 1024 * 1024 };

export class StateGuard {
  /** Per partition, of what was acknowledged. */
  readonly #ends: Map<number, bigint>;
  /** The newest state of each challenge in the window, in the order in which they were first seen. */
  readonly #newest = new Map<string, Version>();
  /** Challenges of which an older one came last. */
  readonly #backwards = new Map<string, Backwards>();
  readonly #repairs = new Map<string, Version>();
  readonly #opened = new Wake();
  /** Per partition, the next offset to be read; undefined while no window is open. */
  #next: Map<number, bigint> | undefined;
  #untilMs: number;
  #behindSinceMs: number | undefined;

  constructor(private readonly options: GuardOptions) {
    this.#ends = new Map(options.ends);
    this.#next = new Map(options.ends);
    this.#untilMs = options.clock.monotonicMs() + options.windowMs;
  }

  /** Kafka has these rows, up to these ends. */
  published(rows: readonly Row[], ends: Ends): void {
    for (const [partition, end] of ends.get(this.options.topic.name) ?? [])
      if (end > (this.#ends.get(partition) ?? 0n)) this.#ends.set(partition, end);
    if (this.#backwards.size + this.#repairs.size === 0) return;
    for (const row of rows) if (row.aggregatetype === STATE && this.#isUnread(row)) this.#hasHealed(row.aggregateid); // G3
  }

  /** Nobody knows what became of a send: it may be stored at any time from now on. */
  unclear(): void {
    this.#untilMs = this.options.clock.monotonicMs() + this.options.windowMs;
    this.#next ??= new Map(this.#ends);
    this.#opened.now();
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#next === undefined) await this.#opened.orAfter(ASLEEP_MS, signal);
      else await this.#watch(this.#next, signal);
    }
  }

  /** To the end of the window, or until the reader fails: then it goes on from where it was. */
  async #watch(next: Map<number, bigint>, signal: AbortSignal): Promise<void> {
    const { open, topic, clock, log } = this.options;
    const failed = new AbortController();
    const ended = AbortSignal.any([signal, failed.signal]);
    const reader = open(
      [{ topic: topic.name, partitions: topic.partitions, from: { offsets: next } }],
      {
        records: async (records) => {
          this.#take(records);
          await this.#giveWay(ended);
        },
        lost: ({ partition, from, to, why }) =>
          log.warn({ partition, from: String(from), to: String(to), why }, 'states were lost to the state guard'),
        position: (_, partition, position) => void next.set(partition, position),
      },
      { onFailure: (fault) => failed.abort(fault), ...UNHURRIED, log },
    );
    const stop = (): void => void reader.stop();
    ended.addEventListener('abort', stop, { once: true });
    try {
      await this.#giveWay(ended);
      await reader.start();
      while (!ended.aborted && !this.#isOver) {
        await clock.sleep(GRACE_MS / 2, ended);
        this.#settle(next);
      }
      if (!ended.aborted) this.#close();
    } catch (error) {
      if (!ended.aborted) failed.abort(error);
    } finally {
      ended.removeEventListener('abort', stop);
      await reader.stop();
    }
    if (!failed.signal.aborted || signal.aborted) return;
    log.warn({ err: faultOf(failed.signal.reason) }, 'the state guard begins again');
    await clock.sleep(AGAIN_MS, signal);
  }

  /** The window is longer by what it was not looked into. */
  async #giveWay(signal: AbortSignal): Promise<void> {
    const { isBehind, clock } = this.options;
    for (; isBehind() && !signal.aborted; await clock.sleep(GIVE_WAY_MS.step, signal)) {
      this.#behindSinceMs ??= clock.monotonicMs();
      if (clock.monotonicMs() - this.#behindSinceMs >= GIVE_WAY_MS.atMost) return;
      this.#untilMs += GIVE_WAY_MS.step;
    }
    this.#behindSinceMs = undefined;
  }

  get #isOver(): boolean {
    return this.options.clock.monotonicMs() >= this.#untilMs && this.#backwards.size === 0 && this.#repairs.size === 0;
  }

  #close(): void {
    this.#next = undefined;
    this.#newest.clear();
  }

  #take(records: readonly IncomingRecord[]): void {
    for (const record of records) {
      if (record.key === null) continue;
      const challengeId = record.key.toString('latin1');
      const version = record.value === null ? undefined : versionOf(record);
      if (version !== undefined) this.#takeVersion(challengeId, version, record.partition);
      else if (record.value === null) this.#forget(challengeId);
    }
  }

  #takeVersion(challengeId: string, version: Version, partition: number): void {
    const newest = this.#newest.get(challengeId);
    if (newest !== undefined && compareVersions(version, newest) < 0) {
      const cameAtMs = this.options.clock.monotonicMs();
      this.#backwards.set(challengeId, { cameAtMs, partition, end: this.#ends.get(partition) ?? 0n });
      return;
    }
    this.#newest.set(challengeId, version);
    this.#hasHealed(challengeId);
    if (newest !== undefined || this.#newest.size <= (this.options.limit ?? LIMIT)) return;
    const [oldest] = this.#newest.keys();
    this.#forget(oldest!);
    this.options.metrics.forgotten();
  }

  #forget(challengeId: string): void {
    this.#newest.delete(challengeId);
    this.#hasHealed(challengeId);
  }

  #hasHealed(challengeId: string): void {
    this.#backwards.delete(challengeId);
    this.#repairs.delete(challengeId);
  }

  /** Whether it is newer than all that was read of its challenge. */
  #isUnread({ aggregateid, epoch, sequence, position }: Row): boolean {
    const newest = this.#newest.get(aggregateid);
    const version = { epoch: Number(epoch), sequence: Number(sequence), position: Number(position) };
    return newest !== undefined && compareVersions(version, newest) > 0;
  }

  /** Decides what has to be repaired (G2). */
  #settle(next: ReadonlyMap<number, bigint>): void {
    const { clock, errands } = this.options;
    if (this.#backwards.size === 0 || this.#repairs.size > 0 || errands.isFull) return;
    const dueMs = clock.monotonicMs() - GRACE_MS;
    for (const [challengeId, { cameAtMs, partition, end }] of this.#backwards) {
      const newest = this.#newest.get(challengeId);
      if (newest === undefined || cameAtMs > dueMs || (next.get(partition) ?? 0n) < end) continue;
      if (this.#repairs.size >= REPAIRS_AT_ONCE) break;
      this.#backwards.delete(challengeId);
      this.#repairs.set(challengeId, newest);
    }
    if (this.#repairs.size > 0) errands.add(() => this.#repair());
  }

  /** Done between two batches: what was published meanwhile is not in `#repairs` any more. */
  async #repair(): Promise<void> {
    const { sendRows, metrics, log } = this.options;
    if (this.#repairs.size === 0) return;
    const rows: Row[] = [];
    for (const [challengeId, version] of this.#repairs) {
      const row = await this.#rowOf(challengeId, version);
      if (row === undefined)
        log.error({ challenge_id: challengeId, ...version }, 'an older state stays: the newer is not in the outbox');
      else if (this.#repairs.has(challengeId)) rows.push(row); // else one as new was read meanwhile
    }
    try {
      if (rows.length > 0) await sendRows(rows);
      metrics.repaired(rows.length);
      log.warn({ challenges: rows.length }, 'published newer states again: older ones had come behind them');
    } catch (error) {
      if (faultOf(error).remedy !== 'park') throw error;
      log.error(
        { err: faultOf(error), challenges: rows.length },
        'older states stay: Kafka refuses the newer ones now',
      );
    }
    this.#repairs.clear();
  }

  async #rowOf(challengeId: string, { epoch, sequence, position }: Version): Promise<Row | undefined> {
    const at = BigInt(position);
    const [stored] = await this.options.session.query<StoredRow>(
      rowsOfChallenge(challengeId, { from: at, to: at, limit: 1 }),
    );
    if (stored === undefined) return undefined;
    const isIt =
      stored.aggregatetype === STATE && stored.epoch === String(epoch) && stored.sequence === String(sequence);
    return isIt ? rowOf(stored) : undefined;
  }
}
