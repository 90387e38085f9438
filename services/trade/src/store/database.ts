import { systemClock, type Clock, type Logger, type Part } from '@tradesense/platform';
import type { Pool, PoolClient } from 'pg';
import type { DataSource } from 'typeorm';

import { CONNECTIONS, serviceDataSource } from './data-source.js';
import { Contended, DatabaseUnavailable, Overloaded } from './faults.js';
import { Outage } from './outage.js';
import { OpenTransaction, queryOn, type Queries } from './transaction.js';

const ATTEMPTS = 4;
const MAX_WAITING = 500;
const AGAIN_MS = 500;
const SAY_EVERY_MS = 10_000;

/** Fails until the database is there and its tables are made. */
const IS_MIGRATED = `select epoch from stream where not exists (select from audit where false)`;

/**
 * The pool, and the two ways to use it: reading, and one transaction that is tried again as a whole when it ran into another.
 * A connection on which anything but a plain refusal happened is destroyed: behind a timeout the server may still be at work
 * in the open transaction (pitfall P25).
 */
export class Database implements Part, Queries {
  readonly name = 'database';
  readonly #source: DataSource;
  readonly #stopping = new AbortController();
  readonly #outage: Outage;
  /** Connections that are checked out. */
  #held = 0;

  constructor(
    url: string,
    private readonly log: Logger,
    private readonly clock: Clock = systemClock,
  ) {
    this.#outage = new Outage(clock);
    this.#source = serviceDataSource(url, log);
  }

  /** Waits until PostgreSQL is there and migrated; says what for. */
  async start(): Promise<void> {
    const { signal } = this.#stopping;
    let saidAtMs = -Infinity;
    while (!signal.aborted) {
      try {
        await this.#connect();
        return;
      } catch (err) {
        if (this.clock.monotonicMs() - saidAtMs >= SAY_EVERY_MS) {
          this.log.warn({ err }, 'waiting for the migrated database');
          saidAtMs = this.clock.monotonicMs();
        }
        await this.clock.sleep(AGAIN_MS, signal);
      }
    }
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    if (this.#source.isInitialized) await this.#source.destroy();
  }

  async query<Row>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    const client = await this.#checkOut();
    try {
      const rows = await queryOn<Row>(client, text, values);
      this.#checkIn(client);
      return rows;
    } catch (error) {
      this.#checkIn(client, { isUsable: !(error instanceof DatabaseUnavailable) });
      throw error;
    }
  }

  /**
   * Runs `work` in a transaction of its own and commits it.
   * @throws DatabaseUnavailable, Overloaded, or what nobody expected
   */
  async transact<Result>(work: (transaction: OpenTransaction) => Promise<Result>): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#once(work);
      } catch (error) {
        if (!(error instanceof Contended)) throw error;
        if (attempt === ATTEMPTS) throw new Overloaded(error);
      }
    }
  }

  async #once<Result>(work: (transaction: OpenTransaction) => Promise<Result>): Promise<Result> {
    const client = await this.#checkOut();
    const transaction = new OpenTransaction(client);
    try {
      const result = await work(transaction);
      await transaction.commit();
      this.#checkIn(client);
      return result;
    } catch (error) {
      const isUsable = !(error instanceof DatabaseUnavailable) && transaction.isOpen;
      this.#checkIn(client, { isUsable: isUsable && (await isRolledBack(transaction)) });
      throw error;
    }
  }

  async #connect(): Promise<void> {
    if (!this.#source.isInitialized) await this.#source.initialize();
    if (this.#stopping.signal.aborted) return this.#source.destroy();
    await Promise.all(Array.from({ length: CONNECTIONS }, () => this.query(IS_MIGRATED)));
  }

  async #checkOut(): Promise<PoolClient> {
    // TypeORM keeps the pool; its own way to it would cost a query runner for each request.
    const pool = (this.#source.driver as unknown as { readonly master: Pool }).master;
    if (pool.waitingCount >= MAX_WAITING) throw new Overloaded();
    // As long as anybody has a connection, the server is there and what fails is one of them.
    if (this.#held + pool.idleCount === 0) this.#outage.mayTry();
    try {
      const client = await pool.connect();
      this.#outage.ends();
      this.#held += 1;
      return client;
    } catch (error) {
      if (this.#held >= CONNECTIONS) throw new Overloaded(error); // it waited for one of them
      this.#outage.begins(error);
      throw new DatabaseUnavailable('not_applied', error);
    }
  }

  #checkIn(client: PoolClient, { isUsable = true } = {}): void {
    this.#held -= 1;
    client.release(!isUsable);
  }
}

const isRolledBack = (transaction: OpenTransaction): Promise<boolean> =>
  transaction.rollBack().then(
    () => true,
    () => false,
  );
