import { setTimeout as delay } from 'node:timers/promises';

import pg from 'pg';

const EVERY_MS = 50;
/** NOTIFY holds such a lock while it commits, one session of the whole server at a time (pitfall P20). */
const HELD = `
  select application_name as session, count(*)::int as locks
    from pg_locks join pg_stat_activity using (pid)
   where locktype = 'object' and pg_locks.database = 0 and usename = 'tradesense_trade'
   group by application_name`;
const NOTIFIER = 'tradesense-trade-solo';

export interface ObjectLocksSeen {
  readonly looks: number;
  /** Seen at sessions that write trades: none is right. */
  readonly atWriters: number;
  /** Seen at the one session that notifies: none would mean that this sees nothing. */
  readonly atNotifier: number;
}

/** Looks again and again who of the trade service holds a lock of type `object` on database 0. */
export class ObjectLocks {
  readonly #stopped = new AbortController();
  readonly #watching: Promise<void>;
  #looks = 0;
  #atWriters = 0;
  #atNotifier = 0;

  private constructor(
    private readonly client: pg.Client,
    private readonly everyMs: number,
  ) {
    this.#watching = this.#watch();
  }

  static async watch(url: string, everyMs = EVERY_MS): Promise<ObjectLocks> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return new ObjectLocks(client, everyMs);
  }

  async #watch(): Promise<void> {
    while (!this.#stopped.signal.aborted) {
      const { rows } = await this.client.query<{ session: string; locks: number }>({ name: 'held', text: HELD });
      this.#looks += 1;
      for (const { session, locks } of rows)
        if (session === NOTIFIER) this.#atNotifier += locks;
        else this.#atWriters += locks;
      await delay(this.everyMs);
    }
  }

  async stop(): Promise<ObjectLocksSeen> {
    this.#stopped.abort();
    await this.#watching.finally(() => this.client.end());
    return { looks: this.#looks, atWriters: this.#atWriters, atNotifier: this.#atNotifier };
  }
}
