import { EVENTS, STATE } from '@tradesense/contracts';
import type { StoredRow } from '@tradesense/outbox';
import { Fault, faultOf, type Clock, type Logger } from '@tradesense/platform';

import type { Session } from '../database/index.js';
import type { Leader } from '../lease/index.js';
import type { Gate } from '../publishing/index.js';
import { fitting, rowOf, rowsOfChallenge, type Batch, type Row } from '../reading/index.js';
import { skipped } from './skipped.js';
import { advance, park, readParked, release, type ParkedRow, type Wish } from './statements.js';

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
 * M3 The last piece reaches to the position of the last batch, in one statement. With it empty the challenge is released: its rows
 *    in later batches are those behind the last one found, and the few that were found early as well are left out there.
 * M4 States were sent when they came. The last one is sent again at the end, in case it was refused, or had become too old
 *    behind the events.
 *
 * Many refusals in a short time are not many bad rows but one bad setting (a topic's size limit, say): then nothing more is
 * parked, and the row is tried until Kafka takes it.
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
  /** Nothing of the challenge is published from here on. */
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

type Refusal = { readonly row: Row; readonly reason: string };

export class Parking implements Gate {
  readonly #parked = new Map<string, Parked>();
  /** Challenges just released, and up to where they were published ahead of the batches (M3). */
  readonly #released = new Map<string, bigint>();
  #refusedAtMs: number[] = [];
  #stoppedBy: Row | undefined;
  #lookedAtMs: number;

  private constructor(private readonly options: ParkingOptions) {
    this.#lookedAtMs = options.clock.monotonicMs();
  }

  /** What earlier leaders parked. */
  static async load(options: ParkingOptions): Promise<Parking> {
    const parking = new Parking(options);
    await parking.#look();
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

  get stoppedBy(): Row | undefined {
    return this.#stoppedBy;
  }

  flowing(rows: readonly Row[]): readonly Row[] {
    if (this.#parked.size === 0 && this.#released.size === 0) return rows;
    return rows.filter((row) => {
      const parked = this.#parked.get(row.aggregateid);
      if (parked === undefined) return row.position > (this.#released.get(row.aggregateid) ?? -1n);
      return row.aggregatetype === STATE ? row.position !== parked.first : row.position < parked.first;
    });
  }

  async refused(row: Row, reason: string): Promise<void> {
    const { clock, perMinute, metrics } = this.options;
    // A state: the next one replaces it, or the end of a wish repeats it (M4).
    if (this.#parked.has(row.aggregateid)) return;
    const nowMs = clock.monotonicMs();
    this.#refusedAtMs = this.#refusedAtMs.filter((atMs) => nowMs - atMs < MINUTE_MS);
    if (this.#refusedAtMs.length >= perMinute) this.#stoppedBy = row;
    if (this.#stoppedBy !== undefined) throw tooMany(this.#stoppedBy, this.#refusedAtMs.length + 1, reason);
    this.#refusedAtMs.push(nowMs);
    await this.#park({ row, reason });
    metrics.refused();
  }

  /** Kafka takes the row that stopped us. */
  passed(): void {
    this.#stoppedBy = undefined;
  }

  /** Their history was rewound: the states of the new epoch cover what waited (design 5.4). */
  async dropBelow(epoch: bigint): Promise<void> {
    const old = [...this.#parked].filter(([, parked]) => parked.epoch < epoch).map(([challengeId]) => challengeId);
    if (old.length === 0) return;
    await this.#guarded(release(old, this.options.leader));
    for (const challengeId of old) this.#parked.delete(challengeId);
    this.options.log.warn({ challenges: old.length, epoch: String(epoch) }, 'dropped dead letters of an earlier epoch');
  }

  /** One page of one wish, if there is any. Between two batches, told the last one that was acknowledged. */
  async mend({ position, floor }: Pick<Batch, 'position' | 'floor'>): Promise<void> {
    for (const [challengeId, upTo] of this.#released) if (upTo <= floor) this.#released.delete(challengeId);
    if (this.#parked.size === 0) return;
    if (this.options.clock.monotonicMs() - this.#lookedAtMs >= LOOK_MS) await this.#look();
    const wished = [...this.#parked].find(([, { wish, first }]) => wish !== null && first <= position);
    if (wished === undefined) return;
    await this.#page(...wished, { position, floor });
    this.options.more();
  }

  async #look(): Promise<void> {
    for (const { challenge_id, first_position, epoch, wish } of await this.options.session.query<ParkedRow>(
      readParked,
    )) {
      const known = this.#parked.get(challenge_id);
      const read = { first: BigInt(first_position), epoch: BigInt(epoch), wish };
      this.#parked.set(challenge_id, known?.wish != null ? known : read);
    }
    this.#lookedAtMs = this.options.clock.monotonicMs();
  }

  async #page(
    challengeId: string,
    parked: Parked,
    { position, floor }: Pick<Batch, 'position' | 'floor'>,
  ): Promise<void> {
    const { session, piece = PIECE } = this.options;
    const { first, wish } = parked;
    const to = first <= floor ? min(first + piece - 1n, floor) : position;
    const stored = await session.query<StoredRow>(rowsOfChallenge(challengeId, { from: first, to, limit: MAX_ROWS }));
    const found = stored.map(rowOf);
    const page = found.slice(0, fitting(found));
    const isWhole = found.length < MAX_ROWS && page.length === found.length;

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
    if (refusal !== undefined) return this.#park(refusal);
    if (isLast) return this.#release(challengeId, page.at(-1)?.position ?? first - 1n);

    const last = page.at(-1)?.position;
    const next = isWhole ? to + 1n : (last ?? to) + 1n;
    await this.#advance(challengeId, {
      ...parked,
      first: next,
      wish: 'retry',
      ...(held === undefined ? {} : { held }),
    });
  }

  #asWished(row: Row, { first, wish }: Parked): Row {
    return wish === 'discard' && row.position === first ? skipped(row, new Date(this.options.now())) : row;
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
    const { leader, log } = this.options;
    await this.#guarded(park(row, reason, leader));
    this.#parked.set(row.aggregateid, { first: row.position, epoch: BigInt(row.epoch), wish: null });
    const { position, id, aggregateid, aggregatetype } = row;
    log.error(
      { position: String(position), event_id: id, challenge_id: aggregateid, stream: aggregatetype, reason },
      'dead letter: Kafka refuses a row, its challenge is parked',
    );
  }

  async #advance(challengeId: string, parked: Parked): Promise<void> {
    // A held state is not sent yet: whoever leads next has to meet it again.
    await this.#guarded(advance(challengeId, parked.held?.position ?? parked.first, this.options.leader));
    this.#parked.set(challengeId, parked);
  }

  async #release(challengeId: string, upTo: bigint): Promise<void> {
    await this.#guarded(release([challengeId], this.options.leader));
    this.#parked.delete(challengeId);
    this.#released.set(challengeId, upTo);
    this.options.log.info({ challenge_id: challengeId, position: String(upTo) }, 'released a parked challenge');
  }

  async #guarded(statement: ReturnType<typeof park>): Promise<void> {
    const rows = await this.options.session.query(statement);
    if (rows.length === 0) throw new Fault('lease-lost', 'wait', "the lease is another's");
  }
}

const min = (one: bigint, other: bigint): bigint => (one < other ? one : other);

function tooMany({ position, aggregateid }: Row, count: number, reason: string): Fault {
  return new Fault(
    'too-many-refusals',
    'wait',
    `Kafka refused ${count} rows within a minute, now position ${position} of challenge ${aggregateid}: ${reason}. ` +
      'Nothing is published until it takes this one; look at the size limit of the topics first',
  );
}
