import { RANGE_ROWS } from '@tradesense/outbox';
import type { Clock, Logger } from '@tradesense/platform';

import { Session, type Statement } from '../database/index.js';
import { Growth } from './growth.js';
import type { HousekeepingMetrics } from './metrics.js';
import { dropRange, emptyRange, makeRange, readStanding, type StandingRow, type StepRow } from './statements.js';

export interface HousekeeperOptions {
  readonly url: string;
  readonly everyMs: number;
  /** Age that the newest row of a range must have before the range is emptied. */
  readonly retentionMs: number;
  /** What the outbox may grow to; 0: unknown. */
  readonly diskBytes: number;
  readonly rangeRows?: number;
  readonly metrics: HousekeepingMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of the n-th attempt in a row, from 0. */
  readonly nextDelayMs: (attempt: number) => number;
}

/** How the ranges stood after the last pass. */
export interface Ranges {
  readonly ahead: number;
  readonly defaultRows: number;
  readonly bytes: number;
  /** Undefined without `diskBytes`, and before the growth is known. */
  readonly hoursLeft: number | undefined;
}

const AHEAD = 3;
/** Of one kind in one pass. A lock that is waited for makes writers wait too, so a pass asks a few times and leaves it to the next. */
const LIMITS = { steps: 100, busy: 5 };
/** Validating a bound of the DEFAULT reads all of it. */
const STATEMENT_MS = 60_000;
const FEW_HOURS = 24;
const REPEAT_MS = 3_600_000;

/**
 * Keeps the outbox in ranges: three ahead of the sequence, those that nobody needs any more emptied, empty ones dropped (design
 * 5.3). What may be done, and under which locks, is decided in the database's functions; here are the order, the patience and
 * the alarms. On a connection of its own, so that a wait for a lock delays neither reads nor the lease. Run by the leader; two at
 * once are harmless. Nothing that fails here ends the relay: a missing range fails no insert, and the metrics tell.
 */
export class Housekeeper {
  #ranges: Ranges | undefined;
  #growth = new Growth();
  readonly #warnedAtMs = new Map<string, number>();

  constructor(private readonly options: HousekeeperOptions) {}

  /** Undefined while it does not run, or can't reach the database. */
  get ranges(): Ranges | undefined {
    return this.#ranges;
  }

  /** Until the signal is aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, nextDelayMs } = this.options;
    this.#growth = new Growth();
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        await this.#keep(signal, () => {
          attempt = 0;
        });
      } catch (err) {
        if (attempt === 0 && !signal.aborted) log.warn({ err }, 'housekeeping interrupted');
        await clock.sleep(nextDelayMs(attempt), signal);
      } finally {
        this.#ranges = undefined;
      }
    }
  }

  /** Passes on one connection until it is lost; @param passed told after each */
  async #keep(signal: AbortSignal, passed: () => void): Promise<void> {
    const { url, everyMs, clock } = this.options;
    const session = await Session.open({
      url,
      name: 'tradesense-relay-housekeeping',
      statementMs: STATEMENT_MS,
      signal,
    });
    try {
      while (!signal.aborted) {
        await this.#pass(session, signal);
        passed();
        await clock.sleep(everyMs, signal);
      }
    } finally {
      await session.close();
    }
  }

  async #pass(session: Session, signal: AbortSignal): Promise<void> {
    const { rangeRows = RANGE_ROWS, retentionMs, clock } = this.options;
    await this.#repeat(session, makeRange(AHEAD, rangeRows), signal);
    await this.#repeat(session, emptyRange(retentionMs), signal);
    await this.#repeat(session, dropRange, signal);
    const [row] = await session.query<StandingRow>(readStanding);
    this.#growth.sample(clock.monotonicMs(), Number(row!.bytes));
    this.#ranges = this.#standing(row!);
    this.#warn(this.#ranges);
  }

  /** Step by step until there is nothing left to do. */
  async #repeat(session: Session, step: Statement, signal: AbortSignal): Promise<void> {
    const { metrics, clock, log, nextDelayMs } = this.options;
    let busy = 0;
    for (let count = 0; count < LIMITS.steps && busy < LIMITS.busy && !signal.aborted; count += 1) {
      const [row] = await session.query<StepRow>(step);
      const { outcome, range } = row!;
      if (outcome === 'done') return;
      metrics.stepped(outcome);
      if (outcome === 'busy') await clock.sleep(nextDelayMs(busy++), signal);
      else log.info({ outcome, range }, 'housekeeping');
    }
  }

  #standing({ ranges_ahead, default_rows, bytes }: StandingRow): Ranges {
    const { diskBytes } = this.options;
    const { perHour } = this.#growth;
    const left = Math.max(0, diskBytes - Number(bytes));
    return {
      ahead: ranges_ahead,
      defaultRows: default_rows,
      bytes: Number(bytes),
      hoursLeft: diskBytes === 0 || perHour === undefined ? undefined : perHour === 0 ? Infinity : left / perHour,
    };
  }

  #warn({ ahead, defaultRows, hoursLeft }: Ranges): void {
    this.#warnOf('no range ahead: rows will go to the DEFAULT', ahead < 1, { ahead });
    this.#warnOf('rows in the DEFAULT: housekeeping was late', defaultRows > 0, { defaultRows });
    this.#warnOf('the disk of the outbox will be full', hoursLeft !== undefined && hoursLeft < FEW_HOURS, {
      hoursLeft,
    });
  }

  /** When it begins to hold, and again every hour as long as it does. */
  #warnOf(message: string, holds: boolean, facts: object): void {
    const nowMs = this.options.clock.monotonicMs();
    if (!holds) this.#warnedAtMs.delete(message);
    else if (nowMs - (this.#warnedAtMs.get(message) ?? -Infinity) >= REPEAT_MS) {
      this.#warnedAtMs.set(message, nowMs);
      this.options.log.warn(facts, message);
    }
  }
}
