import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import pg from 'pg';

import { KeptProcess } from './process/kept-process.js';

export const DATABASE = 'tradesense';
const MIGRATE = fileURLToPath(new URL('../../../services/trade/dist/migrate.js', import.meta.url));
const MIGRATED_WITHIN_MS = 60_000;

export type DatabaseRole = 'postgres' | 'migrator' | 'trade' | 'relay';

/** Development's passwords are the roles' names. */
export const login = (role: DatabaseRole): { readonly user: string; readonly password: string } => ({
  user: role === 'postgres' ? role : `tradesense_${role}`,
  password: role,
});

export interface Address {
  readonly host: string;
  readonly port: number;
}

export function databaseUrl({ host, port }: Address, role: DatabaseRole, database: string = DATABASE): string {
  const { user, password } = login(role);
  return `postgres://${user}:${password}@${host}:${port}/${database}`;
}

async function asSuperuser<Value>(address: Address, act: (client: pg.Client) => Promise<Value>): Promise<Value> {
  const client = new pg.Client({ connectionString: databaseUrl(address, 'postgres', 'postgres') });
  client.on('error', () => undefined); // a query in flight fails by itself
  await client.connect();
  try {
    return await act(client);
  } finally {
    await client.end();
  }
}

/** The roles of design 13 and an empty database that belongs to the migrator. What is there already stays. */
export async function makeRolesAndDatabase(address: Address): Promise<void> {
  await asSuperuser(address, async (client) => {
    for (const role of ['migrator', 'trade', 'relay'] as const) {
      const { user, password } = login(role);
      const { rowCount } = await client.query('select from pg_roles where rolname = $1', [user]);
      if (rowCount === 0) await client.query(`create role ${user} login password '${password}'`);
    }
    const { rowCount } = await client.query('select from pg_database where datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`create database ${DATABASE} owner ${login('migrator').user}`);
  });
}

/** A copy of the migrated database; nobody may be connected to that one. */
export async function cloneDatabase(address: Address, name: string): Promise<void> {
  await asSuperuser(address, (client) =>
    client.query(
      `create database ${client.escapeIdentifier(name)} template ${DATABASE} owner ${login('migrator').user}`,
    ),
  );
}

/**
 * Runs the trade service's migrations, as its operators do.
 * @returns false when that service is not built
 */
export async function migrate(address: Address, logFile: string): Promise<boolean> {
  if (!existsSync(MIGRATE)) return false;
  const migration = await KeptProcess.start({
    name: 'the migration',
    command: process.execPath,
    args: [MIGRATE],
    env: { PATH: process.env['PATH'], MIGRATOR_DATABASE_URL: databaseUrl(address, 'migrator') },
    output: { file: logFile },
  });
  const { code, signal } = await migration.ended(MIGRATED_WITHIN_MS);
  if (code !== 0) throw new Error(`the migration ended with ${code ?? signal}, see ${logFile}`);
  return true;
}
