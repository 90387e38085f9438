import { EVENTS, STATE } from '@tradesense/contracts';
import type { StoredRow } from '@tradesense/outbox';
import { Fault, faultOf, type Clock, type Logger } from '@tradesense/platform';

import type { Session, Statement } from '../database/index.js';
import type { Leader } from '../lease/index.js';
import type { Gate } from '../publishing/index.js';
import { fitting, rowOf, rowsOfChallenge, type Batch, type Row } from '../reading/index.js';
import { skipped } from './skipped.js';
import {
  advance,
  drop,
  forgetReleased,
  leads,
  park,
  readParked,
  release,
  type ParkedRow,
  type Wish,
} from './statements.js';

/**
 * A row that Kafka refuses for itself must hold up neither the others nor be skipped: it becomes a dead letter and its challenge
 * is parked (design 6.4). From the dead letter on, events of that challenge wait in the outbox; its states flow, as each of
 * them says everything; the watermark names it, so its pages know. All other challenges go on.
 *
 * What has to survive is one row, `parked`, and it is written before the batch counts as acknowledged, so before any floor
 * passes the dead letter: whoever leads next either reads the row again or finds it parked.
 *
 * An operator's wish, `retry` or `discard`, stands in that row too. The leader does it between two batches, a page at a time, in the
 * same stream of sends as everything else: the dead letter (or EVENT_SKIPPED in its place), then what waited, in order. Why
 * nothing is lost, doubled or turned round on the way:
 *
 * M1 No index leads to a challenge's rows, so the outbox is read in pieces. Over pieces without a row the reading moves on only up to the
 *    floor: above it a hole may still be filled by a row of this challenge.
 * M2 Where a row of the challenge was found, everything of it before that is visible too: a writer holds the challenge's lock from
 *    before its number is drawn until its commit, so of one challenge there are no holes below a row that is seen.
 * M3 The last piece reaches to the position of the last batch, in one statement. Then the challenge is released: its rows in later
 *    batches are those behind the last one found. Up to there rows are left out, whoever reads them again, until the saved floor
 *    has passed them: a discarded row must not be met a second time.
 * M4 States were sent when they came. The last one is sent again at the end, in case it was refused, or had become too old
 *    behind the events.
 *
 * Many refusals in a short time are not many bad rows but one bad setting (a topic's size limit, say): then nothing more is
 * parked, and the row is tried, as the outbox has it by then, until Kafka takes it.
 */
export interface ParkingOptions {
  readonly session: Pick<Session, 'query'>;
  readonly leader: Leader;
  /** Sends rows in this order, all acknowledged when it resolves. */
  readonly send: (rows: readonly Row[]) => Promise<void>;
  /** Told when more of a wish is left to do: the next batch need not be waited for. */
  readonly more: () => void;
  readonly perMinute: number;
  /** Positions that one statement reads for a wish. Default: some 15 ms of reading. */
  readonly piece?: bigint;
  readonly clock: Clock;
  /** The database's time, milliseconds. */
  readonly now: () => number;
  readonly metrics: ParkingMetrics;
  readonly log: Logger;
}

export interface ParkingMetrics {
  refused(): void;
}

interface Parked {
  /** No event of the challenge is published from here on. */
  readonly first: bigint;
  readonly epoch: bigint;
  readonly wish: Wish | null;
  /** A state met on the way, to be sent at the end. */
  readonly held?: Row;
}

const MINUTE_MS = 60_000;
/** How long an operator waits for the leader to see a wish; asked only while something is parked. */
const LOOK_MS = 1_000;
const PIECE = 20_000n;
const MAX_ROWS = 500;
/** Pieces that the last one, above the floor, may have; beyond that it waits until the hole below is closed. */
const MAX_PIECES = 50n;

type Refusal = { readonly row: Row; readonly reason: string };

export class Parking implements Gate {
  readonly #parked = new Map<string, Parked>();
  /** Up to where challenges were published ahead of the batches (M3). */
  readonly #released = new Map<string, bigint>();
  #refusedAtMs: number[] = [];
  #stopped: { readonly by: Row; readonly fault: Fault } | undefined;
  #lookedAtMs: number;

  private constructor(private readonly options: ParkingOptions) {
    this.#lookedAtMs = options.clock.monotonicMs();
  }

  /** What earlier leaders parked, and when: a restart does not begin the count of refusals anew. */
  static async load(options: ParkingOptions): Promise<Parking> {
    const parking = new Parking(options);
    const nowMs = options.clock.monotonicMs();
    const ages = (await parking.#look()).map(({ age_ms: ageMs }) => ageMs);
    parking.#refusedAtMs = ages.map((ageMs) => nowMs - ageMs);
    return parking;
  }

  /** Challenges of which events are held back. */
  get challenges(): readonly string[] {
    return [...this.#parked.keys()];
  }

  /** Those that no wish is being done for. */
  get deadLetters(): number {
    return [...this.#parked.values()].filter(({ wish }) => wish === null).length;
  }

  flowing(rows: readonly Row[]): readonly Row[] {
    if (this.#parked.size === 0 && this.#released.size === 0) return rows;
    return rows.filter(({ aggregateid, aggregatetype, position }) => {
      if (position <= (this.#released.get(aggregateid) ?? -1n)) return false;
      const first = this.#parked.get(aggregateid)?.first;
      if (first === undefined) return true;
      return aggregatetype === STATE ? position !== first : position < first;
    });
  }

  async refused(row: Row, reason: string): Promise<void> {
    const { clock, perMinute } = this.options;
    if (this.#stopped !== undefined) throw this.#stopped.fault;
    // A state: the next one replaces it, or the end of a wish repeats it (M4).
    if (this.#parked.has(row.aggregateid)) return;
    const nowMs = clock.monotonicMs();
    this.#refusedAtMs = this.#refusedAtMs.filter((atMs) => nowMs - atMs < MINUTE_MS);
    if (this.#refusedAtMs.length >= perMinute) {
      this.#stopped = { by: row, fault: tooMany(row, perMinute + 1, reason) };
      throw this.#stopped.fault;
    }
    this.#refusedAtMs.push(nowMs);
    await this.#park({ row, reason });
  }

  /** As the outbox has it now; undefined where nothing stops us any more. */
  async stoppedBy(): Promise<Row | undefined> {
    if (this.#stopped === undefined) return undefined;
    const { aggregateid, position } = this.#stopped.by;
    const [row] = await this.#rowsOf(aggregateid, position, position);
    if (row === undefined) this.passed();
    return row;
  }

  passed(): void {
    this.#stopped = undefined;
  }

  /** Their history was rewound: the states of the new epoch cover what waited (design 5.4). */
  async dropBelow(epoch: bigint): Promise<void> {
    if (this.#stopped !== undefined && BigInt(this.#stopped.by.epoch) < epoch) this.passed();
    const old = [...this.#parked].filter(([, parked]) => parked.epoch < epoch).map(([challengeId]) => challengeId);
    if (old.length === 0) return;
    await this.#isWritten(drop(old, this.options.leader));
    for (const challengeId of old) this.#parked.delete(challengeId);
    this.options.log.warn({ challenges: old.length, epoch: String(epoch) }, 'dropped dead letters of an earlier epoch');
  }

  /** One page of one wish, if there is any. Between two batches, told the last one that was acknowledged. */
  async mend(batch: Pick<Batch, 'position' | 'floor'>): Promise<void> {
    if (this.#parked.size === 0 && this.#released.size === 0) return;
    if (this.options.clock.monotonicMs() - this.#lookedAtMs >= LOOK_MS) {
      if (this.#released.size > 0) await this.#forget();
      await this.#look();
    }
    for (const [challengeId, parked] of this.#parked) {
      if (parked.wish === null || parked.first > batch.position) continue;
      if (await this.#page(challengeId, parked, batch)) return this.options.more();
    }
  }

  /** The table, but for those of which we know more. */
  async #look(): Promise<readonly ParkedRow[]> {
    const rows = await this.options.session.query<ParkedRow>(readParked);
    const there = new Set<string>();
    for (const { challenge_id: challengeId, first_position: first, released_to: releasedTo, epoch, wish } of rows) {
      if (releasedTo !== null) this.#raise(challengeId, BigInt(releasedTo));
      if (first === null) continue;
      there.add(challengeId);
      if (this.#parked.get(challengeId)?.wish == null)
        this.#parked.set(challengeId, { first: BigInt(first), epoch: BigInt(epoch), wish });
    }
    for (const challengeId of this.#parked.keys()) if (!there.has(challengeId)) this.#gone(challengeId);
    this.#lookedAtMs = this.options.clock.monotonicMs();
    return rows;
  }

  /** @returns whether there was something to do */
  async #page(
    challengeId: string,
    parked: Parked,
    { position, floor }: Pick<Batch, 'position' | 'floor'>,
  ): Promise<boolean> {
    const { piece = PIECE } = this.options;
    const { first, wish } = parked;
    const to = first <= floor ? min(first + piece - 1n, floor) : position;
    if (to - first >= MAX_PIECES * piece) return false;
    const found = await this.#rowsOf(challengeId, first, to);
    const page = found.slice(0, fitting(found));
    const last = page.at(-1)?.position;
    const isWhole = last === to || (found.length < MAX_ROWS && page.length === found.length);

    const events = page.filter(({ aggregatetype }) => aggregatetype === EVENTS);
    const states = page.filter(({ aggregatetype, position: at }) => {
      return aggregatetype === STATE && !(wish === 'discard' && at === first);
    });
    const held = states.at(-1) ?? parked.held;
    const isLast = isWhole && to === position;
    const sending = [
      ...events.map((row) => this.#asWished(row, parked)),
      ...(isLast && held !== undefined ? [held] : []),
    ];
    const refusal = await this.#deliver(sending);
    if (refusal !== undefined) {
      const row = page.find(({ position: at }) => at === refusal.row.position) ?? refusal.row; // not what stands in for it
      await this.#park({ ...refusal, row });
    } else if (isLast) await this.#release(challengeId, last ?? first - 1n);
    else {
      const next = (isWhole ? to : (last ?? to)) + 1n;
      await this.#advance(challengeId, {
        ...parked,
        first: next,
        wish: 'retry',
        ...(held === undefined ? {} : { held }),
      });
    }
    return true;
  }

  #asWished(row: Row, { first, wish }: Parked): Row {
    return wish === 'discard' && row.position === first ? skipped(row, new Date(this.options.now())) : row;
  }

  async #rowsOf(challengeId: string, from: bigint, to: bigint): Promise<readonly Row[]> {
    const asked = rowsOfChallenge(challengeId, { from, to, limit: MAX_ROWS });
    return (await this.options.session.query<StoredRow>(asked)).map(rowOf);
  }

  /** All of them, or those before the first that Kafka refuses. */
  async #deliver(rows: readonly Row[]): Promise<Refusal | undefined> {
    if (rows.length === 0) return undefined;
    try {
      await this.options.send(rows);
      return undefined;
    } catch (error) {
      const { remedy, message } = faultOf(error);
      if (remedy !== 'park') throw error;
      const [row, ...others] = rows;
      if (others.length === 0) return { row: row!, reason: message };
    }
    for (const row of rows) {
      const refusal = await this.#deliver([row]);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  async #park({ row, reason }: Refusal): Promise<void> {
    const { leader, metrics, log } = this.options;
    await this.#isWritten(park(row, reason, leader));
    this.#parked.set(row.aggregateid, { first: row.position, epoch: BigInt(row.epoch), wish: null });
    metrics.refused();
    const { position, id, aggregateid, aggregatetype } = row;
    log.error(
      { position: String(position), event_id: id, challenge_id: aggregateid, stream: aggregatetype, reason },
      'dead letter: Kafka refuses a row, its challenge is parked',
    );
  }

  async #advance(challengeId: string, parked: Parked): Promise<void> {
    // A held state is not sent yet: whoever leads next has to meet it again.
    const persisted = parked.held?.position ?? parked.first;
    if (!(await this.#isWritten(advance(challengeId, persisted, this.options.leader)))) return this.#gone(challengeId);
    this.#parked.set(challengeId, parked);
    this.#raise(challengeId, parked.first - 1n);
  }

  async #release(challengeId: string, upTo: bigint): Promise<void> {
    if (!(await this.#isWritten(release(challengeId, upTo, this.options.leader)))) return this.#gone(challengeId);
    this.#parked.delete(challengeId);
    this.#raise(challengeId, upTo);
    this.options.log.info({ challenge_id: challengeId, position: String(upTo) }, 'released a parked challenge');
  }

  async #forget(): Promise<void> {
    const rows = await this.options.session.query<{ challenge_id: string }>(forgetReleased(this.options.leader));
    for (const { challenge_id: challengeId } of rows) this.#released.delete(challengeId);
  }

  #raise(challengeId: string, upTo: bigint): void {
    if (upTo > (this.#released.get(challengeId) ?? -1n)) this.#released.set(challengeId, upTo);
  }

  /** Somebody took it out of the table by hand. Its later events flow; what it lacks only they know. */
  #gone(challengeId: string): void {
    this.#parked.delete(challengeId);
    this.options.log.error({ challenge_id: challengeId }, 'a parked challenge was removed from the table by hand');
  }

  /** @returns false where there is no such row; @throws Fault where we are not the leader any more */
  async #isWritten(statement: Statement): Promise<boolean> {
    const { session, leader } = this.options;
    if ((await session.query(statement)).length > 0) return true;
    const [row] = await session.query<{ is_leader: boolean }>(leads(leader));
    if (row?.is_leader === true) return false;
    throw new Fault('lease-lost', 'wait', "the lease is another's");
  }
}

const min = (one: bigint, other: bigint): bigint => (one < other ? one : other);

function tooMany({ position, aggregateid }: Row, count: number, reason: string): Fault {
  return new Fault(
    'too-many-refusals',
    'wait',
    `Kafka refused ${count} rows within a minute, now position ${position} of challenge ${aggregateid}: ${reason}. ` +
      'Nothing is published until it takes this one. Look at the size limits of the topics first; if the rows really are bad, ' +
      'raise PARK_PER_MINUTE and restart',
  );
}
