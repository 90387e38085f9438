import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';

import { topicsOf } from '@tradesense/contracts';
import type { Admin, Ends, OpenReader, Reader } from '@tradesense/kafka';
import { faultOf, type Finding, type Part } from '@tradesense/platform';

import { checkFloor, checkSequence, checkServer, checkSessions, checkTopics } from './checks.js';
import { Session } from './database/index.js';
import { checkHistory } from './history/index.js';
import { lead } from './leader-loop.js';
import { LeaseHolder } from './lease/index.js';
import type { Leadership } from './metrics.js';
import type { RelayOptions } from './options.js';
import { findingOf, type Standing } from './standing.js';
import { takeUp } from './take-up.js';

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
    const besides = [lease.keep(signal)];
    const publishers = [this.options.connectPublisher(), this.options.connectPublisher()] as const;
    let reader: Reader | undefined;
    const open: OpenReader = (...what) => (reader = this.options.openReader(...what));
    const sinceMs = this.options.clock.monotonicMs();
    this.#standing = { is: 'taking-over', sinceMs, trouble: () => reader?.trouble() };
    try {
      await checkFloor(session);
      const ends = await this.#ends();
      await this.#checkHistory(session, open, ends, signal);
      const { stages, standing, leadership } = await takeUp(this.options, {
        owner: this.#owner,
        lease,
        session,
        publishers,
        ends,
        endsNow: (topic) => this.#withAdmin((admin) => admin.ends(topic)),
        signal,
        sending: this.#stopNow.signal,
      });
      this.#standing = standing;
      this.#leadership = leadership;
      for (const part of [stages.watermarks, stages.states, this.options.housekeeper])
        besides.push(part.run(signal).catch((error: unknown) => over.abort(error)));
      await lead(lease, stages, signal);
      throw signal.reason;
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      this.#leadership = undefined;
      over.abort();
      await Promise.all(besides);
      await lease.handOver();
      await Promise.all(publishers.map((publisher) => publisher.close()));
    }
  }

  /** Nothing is published before: also after a restore that this process did not notice otherwise. */
  #checkHistory(session: Session, open: OpenReader, ends: Ends, signal: AbortSignal): Promise<void> {
    const { topicPrefix, retentionMs: keptMs, clock, log, metrics } = this.options;
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
