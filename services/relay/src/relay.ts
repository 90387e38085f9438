import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

import { topicsOf } from '@tradesense/contracts';
import type { Admin, Ends, OpenReader, Publisher } from '@tradesense/kafka';
import { faultOf, type Clock, type Finding, type Logger, type Part } from '@tradesense/platform';

import { checkFloor, checkSequence, checkServer, checkSessions, checkTopics } from './checks.js';
import { DatabaseClock, Session } from './database/index.js';
import { Errands } from './errands.js';
import type { Housekeeper } from './housekeeping/index.js';
import { StreamEpoch, checkHistory } from './history/index.js';
import { lead } from './leader-loop.js';
import { LeaseHolder } from './lease/index.js';
import type { Leadership, RelayMetrics } from './metrics.js';
import { Parking } from './parking/index.js';
import { Outlet } from './publishing/index.js';
import { Reader } from './reading/index.js';
import { findingOf, type Standing } from './standing.js';
import { States } from './states/index.js';
import type { Wake } from './wake/index.js';
import { Watermarks } from './watermarks/index.js';

export interface RelayOptions {
  readonly databaseUrl: string;
  readonly topicPrefix: string;
  readonly leaseMs: number;
  readonly saveMs: number;
  readonly watermarkMs: number;
  /** Rows refused within a minute before publishing stops instead of parking another challenge. */
  readonly parkPerMinute: number;
  /** How long the outbox keeps a row at least. */
  readonly retentionMs: number;
  readonly stateGuardMs: number;
  readonly stateSweepMs: number;
  readonly closedStateMs: number;
  readonly connectAdmin: () => Admin;
  readonly connectPublisher: () => Publisher;
  readonly openReader: OpenReader;
  readonly wake: Wake;
  readonly housekeeper: Pick<Housekeeper, 'run'>;
  readonly metrics: RelayMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of the n-th attempt in a row, from 0. */
  readonly nextDelayMs: (attempt: number) => number;
  /** For what nobody expected. */
  readonly fail: (error: unknown) => void;
}

/** What an orderly stop leaves a send that is outstanding. */
const LAST_SEND_MS = 2_000;
const READ_MS = 10_000;

/** The reads are index descents whatever the planner believes of a table it has not analysed yet, and planned once per session. */
const READ_SETTINGS = {
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  plan_cache_mode: 'force_generic_plan',
  jit: 'off',
};
/** A save that a crash of the server forgets only repeats rows. */
const LEASE_SETTINGS = { synchronous_commit: 'off' };

interface Leading {
  readonly lease: LeaseHolder;
  /** For reading. */
  readonly session: Session;
  /** For the outbox, and for watermarks. */
  readonly publishers: readonly [Publisher, Publisher];
  readonly ends: Ends;
  readonly signal: AbortSignal;
}

/**
 * The relay's life: connect, check, stand by, lead; and from the beginning again, for ever, when anything it needs goes away.
 * Nothing but the floor in the database outlives a lost connection.
 */
export class Relay implements Part {
  readonly name = 'relay';
  readonly #owner = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`;
  readonly #stop = new AbortController();
  /** The end of patience with what is outstanding at a stop. */
  readonly #stopNow = new AbortController();
  #running: Promise<void> | undefined;
  #standing: Standing = { is: 'starting' };
  #leadership: (() => Leadership) | undefined;

  constructor(private readonly options: RelayOptions) {}

  get finding(): Finding {
    return findingOf(this.#standing, this.options.clock.monotonicMs());
  }

  get leadership(): Leadership | undefined {
    return this.#leadership?.();
  }

  start(): void {
    this.#running ??= this.#run().catch(this.options.fail);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    const timer = setTimeout(() => this.#stopNow.abort(), LAST_SEND_MS);
    await this.#running;
    clearTimeout(timer);
  }

  async #run(): Promise<void> {
    const { clock, log, nextDelayMs } = this.options;
    let told = '';
    for (let attempt = 0; !this.#stop.signal.aborted; attempt += 1) {
      try {
        await this.#serve(() => {
          attempt = 0;
          told = '';
        });
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        const fault = faultOf(error);
        if (fault.remedy === 'stop') throw error;
        if (fault.message !== told) log.warn({ err: fault }, 'waiting');
        told = fault.message;
        this.#standing = { is: 'waiting', fault };
        await clock.sleep(nextDelayMs(attempt), this.#stop.signal);
      }
    }
  }

  /** From connecting to the loss of anything; @param fit told when everything needed was there */
  async #serve(fit: () => void): Promise<void> {
    const { leaseMs, saveMs, clock, log } = this.options;
    const reads = await this.#open('reads', READ_MS, READ_SETTINGS);
    let lease: Session | undefined;
    try {
      lease = await this.#open('lease', Math.ceil(leaseMs / 3), LEASE_SETTINGS);
      const ended = AbortSignal.any([this.#stop.signal, reads.lost, lease.lost]);
      await this.#check(reads, lease);
      fit();
      this.#standing = { is: 'standing-by' };
      const holder = new LeaseHolder({ session: lease, owner: this.#owner, leaseMs, saveMs, clock, log });
      await holder.take(ended);
      await this.#lead(holder, reads, ended);
    } finally {
      await Promise.all([reads.close(), lease?.close()]);
    }
  }

  #open(name: string, statementMs: number, settings: Readonly<Record<string, string>>): Promise<Session> {
    const { databaseUrl: url } = this.options;
    return Session.open({ url, name: `tradesense-relay-${name}`, statementMs, settings, signal: this.#stopNow.signal });
  }

  async #check(reads: Session, lease: Session): Promise<void> {
    await checkSessions([reads, lease]);
    await checkServer(lease);
    await checkSequence(reads);
    await checkFloor(reads);
    await this.#withAdmin((admin) => checkTopics(admin, this.options.topicPrefix, this.options.log));
  }

  /** Until `ended`, or the lease is lost; always throws why. */
  async #lead(lease: LeaseHolder, session: Session, ended: AbortSignal): Promise<never> {
    const over = new AbortController();
    const signal = AbortSignal.any([ended, lease.lost, over.signal]);
    signal.addEventListener('abort', () => session.cut(), { once: true }); // a read that hangs must not hold up the rest
    const keeping = lease.keep(signal);
    const publishers = [this.options.connectPublisher(), this.options.connectPublisher()] as const;
    let telling: Promise<void> | undefined;
    let tidying: Promise<void> | undefined;
    let clearing: Promise<void> | undefined;
    try {
      await checkFloor(session);
      const ends = await this.#ends();
      await this.#checkHistory(session, ends, signal);
      const stages = await this.#stages({ lease, session, publishers, ends, signal });
      telling = stages.watermarks.run(signal).catch((error: unknown) => over.abort(error));
      tidying = this.options.housekeeper.run(signal);
      clearing = stages.states.run(signal);
      await lead(lease, stages, signal);
      throw signal.reason;
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      this.#leadership = undefined;
      over.abort();
      await Promise.all([keeping, telling, tidying, clearing]);
      await lease.handOver();
      await Promise.all(publishers.map((publisher) => publisher.close()));
    }
  }

  /** Nothing is published before: also after a restore that this process did not notice otherwise. */
  #checkHistory(session: Session, ends: Ends, signal: AbortSignal): Promise<void> {
    const { topicPrefix, openReader: open, retentionMs: keptMs, clock, log, metrics } = this.options;
    const { events: topic } = topicsOf(topicPrefix);
    return checkHistory({
      session,
      open,
      topic,
      ends: ends.get(topic.name) ?? new Map(),
      keptMs,
      clock,
      log,
      metrics,
      rewound: (fault) => (this.#standing = { is: 'waiting', fault }),
      signal,
    });
  }

  /** What the leader's loop runs on; from now on readiness and metrics ask it. */
  async #stages({ lease, session, publishers, ends, signal }: Leading) {
    const { topicPrefix, wake, metrics, clock, nextDelayMs, watermarkMs, parkPerMinute, log } = this.options;
    const databaseClock = new DatabaseClock(clock);
    const mustBeTrusted = () => lease.mustBeTrusted();
    const reading = new Reader({ session, wake, clock, databaseClock, metrics, floor: lease.floor, signal });
    const leader = { owner: this.#owner, generation: lease.generation ?? 0n };
    const parking: Parking = await Parking.load({
      session,
      leader,
      send: async (rows) => watermarks.raise(await publishing.send(rows)),
      more: () => wake.now(),
      perMinute: parkPerMinute,
      clock,
      now: () => databaseClock.now(),
      metrics,
      log,
    });
    const publishing = new Outlet({
      publisher: publishers[0],
      topicPrefix,
      gate: parking,
      clock,
      databaseClock,
      metrics,
      log,
      mustBeTrusted,
      signal: AbortSignal.any([lease.lost, this.#stopNow.signal]),
    });
    const watermarks = new Watermarks({
      publisher: publishers[1],
      topics: topicsOf(topicPrefix),
      everyMs: watermarkMs,
      generation: lease.generation ?? 0n,
      databaseClock,
      log,
      mustBeTrusted,
      parked: () => parking.challenges,
      ends,
    });
    const epoch = new StreamEpoch({ session, clock, metrics, raised: (to) => parking.dropBelow(to) });
    const errands = new Errands();
    const { state } = topicsOf(topicPrefix);
    const states = new States({
      session,
      leader,
      open: this.options.openReader,
      topic: state,
      ends: ends.get(state.name) ?? new Map(),
      endsNow: () => this.#withAdmin((admin) => admin.ends(state.name)),
      windowMs: this.options.stateGuardMs,
      everyMs: this.options.stateSweepMs,
      closedMs: this.options.closedStateMs,
      stream: epoch,
      floor: () => lease.floor,
      errands,
      sendRows: async (rows) => watermarks.raise(await publishing.send(rows)),
      sendRecords: async (records) => watermarks.raise(await publishing.sendRecords(records)),
      now: () => databaseClock.now(),
      clock,
      metrics,
      log,
    });
    this.#standing = {
      is: 'leading',
      sincePassMs: () => clock.monotonicMs() - reading.passedAtMs,
      outstanding: () => publishing.outstanding,
    };
    this.#leadership = () => ({
      generation: Number(lease.generation),
      marginMs: lease.marginMs,
      pending: reading.isCaughtUp && publishing.outstanding === undefined ? 0n : positive(lease.drawn - lease.floor),
      lagMs: publishing.outstanding === undefined ? 0 : databaseClock.ageMs(publishing.outstanding.oldest.created_at),
      asOfAgeMs: watermarks.asOf === undefined ? undefined : databaseClock.ageMs(watermarks.asOf),
      parked: parking.challenges.length,
      deadLetters: parking.deadLetters,
    });
    return { reading, epoch, publishing, parking, errands, watermarks, states, clock, nextDelayMs };
  }

  /** Where the logs end now that the lease is ours: earlier leaders' acknowledged records lie below. */
  #ends(): Promise<Ends> {
    const { events, state } = topicsOf(this.options.topicPrefix);
    return this.#withAdmin(
      async (admin) =>
        new Map([
          [events.name, await admin.ends(events.name)],
          [state.name, await admin.ends(state.name)],
        ]),
    );
  }

  /** A stop does not wait for a Kafka that does not answer. */
  async #withAdmin<T>(ask: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.options.connectAdmin();
    const close = (): void => void admin.close();
    this.#stop.signal.addEventListener('abort', close, { once: true });
    try {
      return await ask(admin);
    } finally {
      this.#stop.signal.removeEventListener('abort', close);
      await admin.close();
    }
  }
}

const positive = (count: bigint): bigint => (count > 0n ? count : 0n);
