import { STATE, type TopicSpec } from '@tradesense/contracts';
import { readStretch, type IncomingRecord, type OpenReader, type TopicRecords } from '@tradesense/kafka';
import { faultOf, type Clock, type Logger } from '@tradesense/platform';

import type { Session } from '../database/index.js';
import type { Leader } from '../lease/index.js';
import type { Row } from '../reading/index.js';
import type { ErrandList } from './guard.js';
import type { StatesMetrics } from './metrics.js';
import { readCleared, readLastPosition, saveCleared, type ClearedRow, type LastPositionRow } from './statements.js';
import { versionOf } from './version.js';

/**
 * Takes states out of the topic that would else stay for ever: those of an earlier epoch, once the trade service has given every
 * challenge that still exists a state of the new one (design 5.4), and those closed long ago (design 7).
 *
 * Nothing remembers which those are, so the topic is read from its start to its end, and only the challenges whose last state is
 * such a one are kept in mind. Then each gets a tombstone, which lets compaction remove the rest.
 *
 * W1 For an epoch the topic is read only after the floor has passed the last row as of when `swept` was seen: the states of the
 *    new epoch are in Kafka then, and what is still of an earlier one has no successor.
 * W2 Tombstones go out between two batches. A challenge of which a state was published since the scan began keeps it; one that is
 *    sent later comes behind the tombstone.
 * W3 That an epoch is done is saved only after a whole scan, by whoever is still the leader. A scan that was given up, for want of
 *    room too, begins again later: compaction has made it smaller by then.
 */
export interface SweepOptions {
  readonly session: Pick<Session, 'query'>;
  readonly leader: Leader;
  readonly open: OpenReader;
  readonly topic: TopicSpec;
  /** Where the topic's partitions end now. */
  readonly endsNow: () => Promise<ReadonlyMap<number, bigint>>;
  readonly stream: { readonly epoch: bigint; readonly swept: bigint };
  /** Up to here Kafka has everything. */
  readonly floor: () => bigint;
  readonly errands: ErrandList;
  readonly sendRecords: (records: readonly TopicRecords[]) => Promise<void>;
  /** Between two scans for states of closed challenges. */
  readonly everyMs: number;
  /** How long a closed challenge keeps its state. */
  readonly closedMs: number;
  /** The database's time, milliseconds. */
  readonly now: () => number;
  readonly clock: Clock;
  readonly metrics: Pick<StatesMetrics, 'tombstoned'>;
  readonly log: Logger;
}

const LOOK_MS = 1_000;
/** After a scan that failed or had no room. */
const AGAIN_MS = 5 * 60_000;
/** The first scan comes after this part of the time between two: a leader that has just taken over has other work. */
const FIRST_PART = 24;
const LIMIT = 100_000;
const BATCH = 500;
/** Read at once: the leader's memory is not the sweep's. */
const SCAN_BYTES = 1024 * 1024;

/** Whether a state is one to be taken out; undefined where the record is no state. */
type Judge = (record: IncomingRecord) => boolean | undefined;

export class StateSweep {
  /** The epoch up to which the topic is cleared, as saved. */
  #cleared: bigint | undefined;
  /** Challenges of which a state was published since the scan began; undefined while there is none (W2). */
  #since: Set<string> | undefined;

  constructor(private readonly options: SweepOptions) {}

  /** Kafka has these rows. */
  published(rows: readonly Pick<Row, 'aggregatetype' | 'aggregateid'>[]): void {
    if (this.#since === undefined) return;
    for (const row of rows)
      if (row.aggregatetype === STATE && this.#since.size <= LIMIT) this.#since.add(row.aggregateid);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { everyMs, clock, log } = this.options;
    let dueMs = clock.monotonicMs() + everyMs / FIRST_PART;
    while (!signal.aborted) {
      await clock.sleep(LOOK_MS, signal);
      try {
        if (await this.#isEpochDue()) await this.#clearEpoch(signal);
        if (clock.monotonicMs() < dueMs) continue;
        await this.#clear('closed', this.#isLongClosed(), signal);
        dueMs = clock.monotonicMs() + everyMs;
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ err: faultOf(error) }, 'the state topic was not cleared: again later');
        await clock.sleep(AGAIN_MS, signal);
      }
    }
  }

  async #isEpochDue(): Promise<boolean> {
    const { session, stream } = this.options;
    if (stream.swept !== stream.epoch) return false;
    if (this.#cleared === undefined) {
      const [row] = await session.query<ClearedRow>(readCleared);
      this.#cleared = BigInt(row?.swept ?? 0);
    }
    return stream.swept > this.#cleared;
  }

  async #clearEpoch(signal: AbortSignal): Promise<void> {
    const { session, leader, stream, floor, clock } = this.options;
    const { epoch } = stream;
    const [row] = await session.query<LastPositionRow>(readLastPosition);
    const last = BigInt(row?.position ?? 0);
    while (floor() < last) {
      signal.throwIfAborted();
      await clock.sleep(LOOK_MS, signal);
    }
    const isOfEarlierEpoch: Judge = (record) => {
      const version = versionOf(record);
      return version === undefined ? undefined : BigInt(version.epoch) < epoch;
    };
    await this.#clear('epoch', isOfEarlierEpoch, signal);
    const [saved] = await session.query<ClearedRow>(saveCleared(epoch, leader));
    if (saved !== undefined) this.#cleared = epoch;
  }

  #isLongClosed(): Judge {
    const untilMs = this.options.now() - this.options.closedMs;
    return ({ value }) => {
      if (value === null || value.includes(STILL_OPEN)) return false; // without parsing: nearly all of them
      const closedAtMs = closedAtOf(value);
      return closedAtMs === undefined ? undefined : closedAtMs <= untilMs;
    };
  }

  /** @throws Error when it was given up half way */
  async #clear(why: 'epoch' | 'closed', isObsolete: Judge, signal: AbortSignal): Promise<void> {
    const { metrics, log } = this.options;
    const since = (this.#since = new Set());
    try {
      const { found, hadRoom } = await this.#scan(isObsolete, signal);
      for (let from = 0; from < found.length && since.size <= LIMIT; from += BATCH) {
        const batch = found.slice(from, from + BATCH);
        const tombstones = await this.#inTurn(() => this.#takeOut(batch, since), signal);
        metrics.tombstoned(why, tombstones);
      }
      if (!hadRoom) throw new Error(`more than ${LIMIT} states are to be taken out`);
      if (since.size > LIMIT) throw new Error(`more than ${LIMIT} states were published meanwhile`);
      log.info({ why, states: found.length }, 'cleared the state topic');
    } finally {
      this.#since = undefined;
    }
  }

  async #scan(isObsolete: Judge, signal: AbortSignal): Promise<{ found: readonly string[]; hadRoom: boolean }> {
    const { open, topic, endsNow } = this.options;
    const found = new Set<string>();
    let hadRoom = true;
    const take = (record: IncomingRecord): void => {
      const challengeId = record.key?.toString('utf8');
      const isOne = record.value === null ? false : isObsolete(record);
      if (challengeId === undefined || isOne === undefined) return;
      if (!isOne) found.delete(challengeId);
      else if (found.size < LIMIT) found.add(challengeId);
      else hadRoom &&= found.has(challengeId);
    };
    const to = await unlessAborted(endsNow(), signal);
    const gently: OpenReader = (topics, handlers, options) =>
      open(topics, handlers, { ...options, maxBytes: SCAN_BYTES });
    await readStretch(gently, { topic, from: 'start', to }, (records) => records.forEach(take), signal);
    return { found: [...found], hadRoom };
  }

  /** Between two batches; resolves with what came of it. */
  async #inTurn<T>(errand: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const { errands, clock } = this.options;
    while (errands.isFull) {
      signal.throwIfAborted();
      await clock.sleep(LOOK_MS, signal);
    }
    const done = new Promise<T>((resolve) => errands.add(async () => resolve(await errand())));
    return unlessAborted(done, signal);
  }

  /** Answers how many got a tombstone. */
  async #takeOut(challengeIds: readonly string[], since: ReadonlySet<string>): Promise<number> {
    const { topic, sendRecords, log } = this.options;
    const ids = since.size > LIMIT ? [] : challengeIds.filter((id) => !since.has(id)); // W2
    if (ids.length === 0) return 0;
    const records = ids.map((key) => ({ key, value: null, headers: {} }));
    try {
      await sendRecords([{ topic: topic.name, records }]);
      return ids.length;
    } catch (error) {
      if (faultOf(error).remedy !== 'park') throw error;
      log.error({ err: faultOf(error), states: ids.length }, 'states stay: Kafka refuses their tombstones');
      return 0;
    }
  }
}

/** Whoever stops to lead does not wait for a Kafka that does not answer. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const over = new AbortController();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true, signal: over.signal });
  });
  return Promise.race([work, aborted]).finally(() => over.abort());
}

const STILL_OPEN = '"closed_at":null';

/** Infinity while it is open; undefined where the body is no state. */
function closedAtOf(value: Buffer): number | undefined {
  try {
    const { closed_at: closedAt } = JSON.parse(value.toString('utf8')) as { closed_at?: unknown };
    if (closedAt === null) return Infinity;
    return typeof closedAt === 'string' ? Date.parse(closedAt) : undefined;
  } catch {
    return undefined;
  }
}
