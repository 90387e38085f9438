import { Fault } from '@tradesense/platform';
import pg from 'pg';

export interface Statement {
  /** A prepared statement of the session; planning costs more than the read itself. */
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

export interface SessionOptions {
  readonly url: string;
  /** Seen in pg_stat_activity. */
  readonly name: string;
  /** Longest statement, milliseconds. The client's own bound is twice this: it also ends a wait on a connection that froze. */
  readonly statementMs: number;
  /** Of the session: setting and value. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Cuts the session, also while it is being opened. */
  readonly signal: AbortSignal;
}

const CONNECT_MS = 5_000;
const GOODBYE_MS = 500;

/** PostgreSQL is away, or refuses: in every case the relay waits, says why, and comes back. */
export const databaseFault = (error: unknown): Fault =>
  error instanceof Fault
    ? error
    : new Fault('database-unavailable', 'wait', `PostgreSQL: ${messageOf(error)}`, { cause: error });
/** Node.js tries every address of a name, and its error then says nothing itself: each attempt's does. */
const messageOf = (error: unknown): string => {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
};

/**
 * One connection, never replaced under its user's hands: what the relay remembers about holes is worth nothing on another one.
 * Whatever fails on it ends it: `lost` is aborted with the fault, and a new session is opened by whoever starts over.
 */
export class Session {
  readonly #lost = new AbortController();
  #before: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly client: pg.Client,
    signal: AbortSignal,
  ) {
    signal.addEventListener('abort', () => this.cut(), { once: true, signal: this.lost });
    // Without these a restart of PostgreSQL is an uncaught exception (pitfall P24).
    client.on('error', (error) => this.#lose(error));
    client.on('end', () => this.#lose(new Error('the connection was closed')));
  }

  static async open(options: SessionOptions): Promise<Session> {
    const { url, name, statementMs, settings = {}, signal } = options;
    const client = new pg.Client({
      connectionString: url,
      application_name: name,
      keepAlive: true,
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: 2 * statementMs,
    });
    const session = new Session(client, signal);
    try {
      signal.throwIfAborted();
      await client.connect();
      // Not told while connecting: a pooler would refuse that, or drop it, before it can be found out to be one.
      for (const [setting, value] of Object.entries({ statement_timeout: String(statementMs), ...settings }))
        await client.query('select set_config($1, $2, false)', [setting, value]);
      return session;
    } catch (error) {
      session.cut();
      throw databaseFault(error);
    }
  }

  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Stages share a session: their statements go one after the other, in the order of the calls. */
  query<Row>(statement: Statement): Promise<readonly Row[]> {
    const asked = this.#before.then(() => this.#ask<Row>(statement));
    this.#before = asked.catch(() => undefined);
    return asked;
  }

  async #ask<Row>({ name, text, values = [] }: Statement): Promise<readonly Row[]> {
    this.lost.throwIfAborted();
    try {
      const result = await this.client.query({ ...(name === undefined ? {} : { name }), text, values: [...values] });
      return result.rows as Row[];
    } catch (error) {
      throw this.#lose(error);
    }
  }

  /** Calls `heard` whenever somebody notifies the channel, as long as the session lives. A hint: one that is lost is not told again. */
  async listen(channel: string, heard: () => void): Promise<void> {
    this.client.on('notification', (message) => {
      if (message.channel === channel) heard();
    });
    await this.query({ text: `listen ${channel}` });
  }

  /** Ends it at once: what is on its way fails, also on a connection that froze. */
  cut(): void {
    this.#lose(new Error('the session was cut'));
    (this.client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }

  /** Bounded: a connection that froze does not answer a goodbye either. */
  async close(): Promise<void> {
    if (this.lost.aborted) return this.cut();
    const timer = setTimeout(() => this.cut(), GOODBYE_MS);
    await this.client.end().catch(() => undefined);
    clearTimeout(timer);
  }

  #lose(error: unknown): Fault {
    if (!this.lost.aborted) this.#lost.abort(databaseFault(error));
    return this.lost.reason as Fault;
  }
}
