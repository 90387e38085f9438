import type { Logger, Part } from '@tradesense/platform';
import { systemClock, type Clock } from '@tradesense/platform';
import type { Pool, PoolClient } from 'pg';
import type { DataSource } from 'typeorm';

import { Contended, DatabaseUnavailable, Overloaded, isAnswer, meaningOf } from './faults.js';
import { serviceDataSource } from './data-source.js';
import { OpenTransaction, queryOn, type Queries } from './transaction.js';

const ATTEMPTS = 4;
const MAX_WAITING = 500;
const AGAIN_MS = 500;
const SAY_EVERY_MS = 10_000;

/**
 * The pool, and the two ways to use it: reading, and one transaction that is tried again as a whole when it ran into another.
 * A connection on which anything but a plain refusal happened is destroyed: behind a timeout the server may still be at work
 * in the open transaction (pitfall P25).
 */
export class Database implements Part, Queries {
  readonly name = 'database';
  readonly #source: DataSource;
  readonly #stopping = new AbortController();

  constructor(
    url: string,
    private readonly log: Logger,
    private readonly clock: Clock = systemClock,
  ) {
    this.#source = serviceDataSource(url, log);
  }

  /** Waits until PostgreSQL is there and migrated; says what for. */
  async start(): Promise<void> {
    let saidAt = -SAY_EVERY_MS;
    while (!this.#stopping.signal.aborted) {
      try {
        if (!this.#source.isInitialized) await this.#source.initialize();
        await queryOn(this.#pool, 'select epoch from stream, (select from challenge limit 0) as migrated');
        return;
      } catch (err) {
        if (this.clock.monotonicMs() - saidAt >= SAY_EVERY_MS) {
          this.log.warn({ err }, 'waiting for the migrated database');
          saidAt = this.clock.monotonicMs();
        }
        await this.clock.sleep(AGAIN_MS, this.#stopping.signal);
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
      client.release();
      return rows;
    } catch (error) {
      client.release(!isAnswer(error));
      throw meaningOf(error);
    }
  }

  /**
   * Runs `work` in a transaction of its own and commits it.
   * @throws DatabaseUnavailable, Overloaded, or what nobody expected
   */
  async transact<Result>(
    work: (transaction: OpenTransaction, begun: Promise<unknown>) => Promise<Result>,
  ): Promise<Result> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.#once(work);
      } catch (error) {
        if (!(error instanceof Contended)) throw error;
        if (attempt === ATTEMPTS) throw new Overloaded(error);
      }
    }
  }

  async #once<Result>(
    work: (transaction: OpenTransaction, begun: Promise<unknown>) => Promise<Result>,
  ): Promise<Result> {
    const client = await this.#checkOut();
    const { transaction, begun } = OpenTransaction.begin(client);
    try {
      const result = await work(transaction, begun);
      await transaction.commit();
      client.release();
      return result;
    } catch (error) {
      await this.#giveBack(client, transaction, error);
      throw meaningOf(error);
    }
  }

  async #giveBack(client: PoolClient, transaction: OpenTransaction, error: unknown): Promise<void> {
    const usable = !(meaningOf(error) instanceof DatabaseUnavailable) && transaction.isOpen;
    const rolledBack =
      usable &&
      (await transaction.rollBack().then(
        () => true,
        () => false,
      ));
    client.release(!rolledBack);
  }

  async #checkOut(): Promise<PoolClient> {
    const pool = this.#pool;
    if (pool.waitingCount >= MAX_WAITING) throw new Overloaded();
    const wasFull = pool.totalCount >= pool.options.max && pool.idleCount === 0;
    try {
      return await pool.connect();
    } catch (error) {
      throw wasFull ? new Overloaded(error) : new DatabaseUnavailable('not_applied', error);
    }
  }

  get #pool(): Pool {
    return (this.#source.driver as unknown as { readonly master: Pool }).master;
  }
}
