import type { PoolClient } from 'pg';

import { Fault } from '@tradesense/platform';

import { DatabaseUnavailable, isAnswer, meaningOf } from './faults.js';

/** Whatever can be asked: an open transaction, or the pool. */
export interface Queries {
  query<Row>(text: string, values?: readonly unknown[]): Promise<readonly Row[]>;
}

/** Said in every transaction: a role or a database may have it off, and an answer would then promise too much. */
const BEGIN = `begin isolation level read committed; set local synchronous_commit = on`;

const names = new Map<string, string>();
/** Each statement is a constant, so each has one name for ever, and is parsed and planned once a connection. */
function nameOf(text: string): string {
  const name = names.get(text) ?? `trade_${names.size + 1}`;
  names.set(text, name);
  return name;
}

export async function queryOn<Row>(
  client: Pick<PoolClient, 'query'>,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const { rows } = await client.query({ name: nameOf(text), text, values: [...values] });
  return rows as readonly Row[];
}

/**
 * One transaction on one connection. Statements are pipelined: the second may be sent before the first has answered. COMMIT is
 * sent only once all have answered well, and must itself answer COMMIT: that of an aborted transaction answers ROLLBACK,
 * without an error (pitfall P11).
 */
export class OpenTransaction implements Queries {
  #is: 'open' | 'committing' | 'over' = 'open';

  private constructor(private readonly client: PoolClient) {}

  static begin(client: PoolClient): { readonly transaction: OpenTransaction; readonly begun: Promise<unknown> } {
    return { transaction: new OpenTransaction(client), begun: client.query(BEGIN) };
  }

  get isOpen(): boolean {
    return this.#is === 'open';
  }

  async query<Row>(text: string, values: readonly unknown[] = []): Promise<readonly Row[]> {
    if (!this.isOpen) throw new Fault('transaction-over', 'stop', 'a statement after the end of its transaction');
    return queryOn<Row>(this.client, text, values);
  }

  /** @throws DatabaseUnavailable with outcome `unknown` when the answer to COMMIT was not heard */
  async commit(): Promise<void> {
    this.#is = 'committing';
    try {
      const { command } = await this.client.query('commit');
      if (command !== 'COMMIT') throw new Fault('commit-refused', 'stop', `COMMIT answered ${command}`);
    } catch (error) {
      if (error instanceof Fault) throw error;
      throw isAnswer(error) ? meaningOf(error) : new DatabaseUnavailable('unknown', error);
    } finally {
      this.#is = 'over';
    }
  }

  async rollBack(): Promise<void> {
    this.#is = 'over';
    await this.client.query('rollback');
  }
}
