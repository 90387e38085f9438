import { fullJitter, systemClock, systemRandom, type Clock, type Logger, type Part } from '@tradesense/platform';
import pg from 'pg';

const PROBE_MS = 1_000;
const ANSWER_MS = 3_000;
const GOODBYE_MS = 500;
const again = fullJitter(systemRandom, { minMs: 100, maxMs: 5_000 });

/**
 * One connection outside the pool, kept open for ever: it can notify without standing in any trade's transaction (pitfall
 * P20), and asks once a second whether the database answers. What is sent while it is away is lost.
 */
export class SoloConnection implements Part {
  readonly name = 'solo connection';
  readonly #stopping = new AbortController();
  #client: pg.Client | undefined;
  #running: Promise<void> | undefined;

  constructor(
    private readonly url: string,
    private readonly log: Logger,
    private readonly clock: Clock = systemClock,
  ) {}

  get isUp(): boolean {
    return this.#client !== undefined;
  }

  start(): void {
    if (!this.#stopping.signal.aborted) this.#running ??= this.#keep();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** @throws when the connection is away or the statement fails: the caller decides that this does not matter */
  async send(text: string): Promise<void> {
    if (this.#client === undefined) throw new Error('not connected');
    await this.#client.query(text);
  }

  async #keep(): Promise<void> {
    const { signal } = this.#stopping;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const wasUp = await this.#holdOne();
      if (wasUp) attempt = 0;
      await this.clock.sleep(again(attempt), signal);
    }
  }

  /** One connection from its start to its end; true when it ever came up. */
  async #holdOne(): Promise<boolean> {
    const { signal } = this.#stopping;
    const client = new pg.Client({
      connectionString: this.url,
      application_name: 'tradesense-trade-solo',
      connectionTimeoutMillis: ANSWER_MS,
      query_timeout: ANSWER_MS,
      keepAlive: true,
    });
    client.on('error', () => undefined); // the failing query tells
    try {
      await client.connect();
      this.#client = client;
      while (!signal.aborted) {
        await client.query('select 1');
        await this.clock.sleep(PROBE_MS, signal);
      }
    } catch (err) {
      if (this.#client !== undefined) this.log.warn({ err }, 'the database does not answer');
    }
    const wasUp = this.#client !== undefined;
    this.#client = undefined;
    // A peer that no longer answers would keep the goodbye waiting.
    await Promise.race([client.end().catch(() => undefined), this.clock.sleep(GOODBYE_MS)]);
    return wasUp;
  }
}
