import { Fault } from '@tradesense/platform';
import type { PoolClient, QueryConfig, QueryResult } from 'pg';

import { DatabaseUnavailable, faultOfDriver } from './faults.js';

/** Whatever can be asked: an open transaction, or the pool. */
export interface Queries {
  query<Row>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

/** Said in every transaction: a role or a database may have it off, and an answer would then promise too much. */
const BEGIN = `begin isolation level read committed; set local synchronous_commit = on`;

const names = new Map<string, string>();
/** Each statement is a constant, so each has one name for ever, and is parsed once a connection. */
function nameOf(text: string): string {
  const name = names.get(text) ?? `trade_${names.size + 1}`;
  names.set(text, name);
  return name;
}

/** The only place where the driver is asked: what it rejects with becomes a fault here. */
async function ask(client: PoolClient, query: string | QueryConfig): Promise<QueryResult> {
  try {
    return await client.query(query);
  } catch (error) {
    throw faultOfDriver(error);
  }
}

export async function queryOn<Row>(
  client: PoolClient,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const { rows } = await ask(client, { name: nameOf(text), text, values: [...values] });
  return rows as readonly Row[];
}

/**
 * One transaction on one connection. Statements are pipelined: the second may be sent before the first has answered. COMMIT is
 * sent only once all have answered well, and must itself answer COMMIT: that of an aborted transaction answers ROLLBACK,
 * without an error (pitfall P11).
 */
export class OpenTransaction implements Queries {
  /** BEGIN's answer; awaited together with the first statements. */
  readonly begun: Promise<unknown>;
  #isOpen = true;

  constructor(private readonly client: PoolClient) {
    this.begun = ask(client, BEGIN);
    this.begun.catch(() => undefined); // whoever awaits it is told; nobody may have come that far
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  async query<Row>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    if (!this.#isOpen) throw new Fault('transaction-over', 'stop', 'a statement after the end of its transaction');
    return queryOn<Row>(this.client, text, values);
  }

  /** @throws DatabaseUnavailable with outcome `unknown` when the answer to COMMIT was not heard */
  async commit(): Promise<void> {
    this.#isOpen = false;
    try {
      const { command } = await ask(this.client, 'commit');
      if (command !== 'COMMIT') throw new Fault('commit-refused', 'stop', `COMMIT answered ${command}`);
    } catch (error) {
      throw error instanceof DatabaseUnavailable ? new DatabaseUnavailable('unknown', error.cause) : error;
    }
  }

  async rollBack(): Promise<void> {
    this.#isOpen = false;
    await ask(this.client, 'rollback');
  }
}
