import { randomBytes } from 'node:crypto';

import pg from 'pg';

/** A database as it once was, to go back to: what a restore from a backup leaves behind, sequences included. */
export class DatabaseCopy {
  private constructor(
    private readonly serverUrl: string,
    private readonly original: string,
    private readonly copy: string,
  ) {}

  /** Nobody may be connected to it. */
  static async of(superuserUrl: string): Promise<DatabaseCopy> {
    const url = new URL(superuserUrl);
    const original = url.pathname.slice(1);
    url.pathname = '/postgres';
    const copy = new DatabaseCopy(String(url), original, `${original}_${randomBytes(3).toString('hex')}`);
    await copy.#run((name) => [`create database ${name(copy.copy)} template ${name(original)}`]);
    return copy;
  }

  /** Takes the place of the database; whoever is connected to it is cut off. Once. */
  async restore(): Promise<void> {
    await this.#run((name) => [
      `drop database ${name(this.original)} with (force)`,
      `alter database ${name(this.copy)} rename to ${name(this.original)}`,
    ]);
  }

  async #run(statements: (name: (of: string) => string) => readonly string[]): Promise<void> {
    const client = new pg.Client({ connectionString: this.serverUrl });
    await client.connect();
    try {
      for (const statement of statements((of) => client.escapeIdentifier(of))) await client.query(statement);
    } finally {
      await client.end();
    }
  }
}
