/**
 * PostgreSQL's own load, on our tables: what one trade per transaction costs it without a service in between. A transaction locks
 * a challenge, inserts a trade, updates the challenge and inserts the rows of the outbox, each row a copy of one that the service
 * has written, under a key of its own: the same columns, sizes and indexes, whatever the schema has become.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import pg from 'pg';

import type { Seat } from './messages.js';

const DEBIAN_SERVERS = '/usr/lib/postgresql';
const FIRST_SEAT = 100_000_000_000;
const ID_PREFIX = '00000000-0000-4000-8000-';

/** Challenges whose ids pgbench can reckon from a number. */
export const pgbenchSeats = (count: number): readonly Seat[] =>
  Array.from({ length: count }, (_, index) => ({
    challengeId: `${ID_PREFIX}${FIRST_SEAT + index}`,
    userId: `trader-${FIRST_SEAT + index}`,
  }));

/** @throws when it is not there, naming what brings it */
export function pgbenchProgram(): string {
  const versions = existsSync(DEBIAN_SERVERS) ? readdirSync(DEBIAN_SERVERS).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(DEBIAN_SERVERS, version, 'bin')),
    ...(process.env['PATH'] ?? '').split(':'),
  ];
  const found = folders.map((folder) => join(folder, 'pgbench')).find((file) => existsSync(file));
  if (found === undefined)
    throw new Error("pgbench is not there: on Debian it comes with PostgreSQL's server, `apt-get install postgresql`");
  return found;
}

/** A row's values as text, null where it has none, with their types. */
type Row = ReadonlyMap<string, { readonly value: string | null; readonly type: string }>;

async function rowOf(client: pg.Client, table: string, where: string, values: readonly unknown[]): Promise<Row> {
  // json keeps the bytes of a payload; jsonb would not.
  const { rows } = await client.query<{ name: string; value: string | null; type: string }>(
    `select key as name, value, format_type(atttypid, atttypmod) as type
       from (select * from ${table} where ${where} limit 1) as one, json_each_text(row_to_json(one)), pg_attribute
      where attrelid = '${table}'::regclass and attname = key`,
    [...values],
  );
  if (rows.length === 0) throw new Error(`no row of ${table} to be copied`);
  return new Map(rows.map(({ name, value, type }) => [name, { value, type }]));
}

/** A trade of median size, with what else was written for it. */
export interface Sample {
  readonly trade: Row;
  readonly challenge: Row;
  readonly event: Row;
  readonly state: Row;
  readonly bytes: { readonly trade: number; readonly event: number; readonly state: number };
}

const MEDIAN_TRADE = `
  select challenge_id, sequence
    from trade t
   where exists (select from outbox where aggregateid = t.challenge_id::text and sequence = t.sequence
                                      and type = 'CHALLENGE_STATE')
   order by abs(octet_length(answer) - (select percentile_disc(0.5) within group (order by octet_length(answer)) from trade))
   limit 1`;

/** @param url as a role that may read everything */
export async function sampleOf(url: string): Promise<Sample> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ challenge_id: string; sequence: string }>(MEDIAN_TRADE);
    const [found] = rows;
    if (found === undefined) throw new Error('no trade to be copied');
    const key = [found.challenge_id, found.sequence];
    const [trade, challenge] = [
      await rowOf(client, 'trade', 'challenge_id = $1 and sequence = $2', key),
      await rowOf(client, 'challenge', 'id = $1', [found.challenge_id]),
    ];
    const inOutbox = (type: string): Promise<Row> =>
      rowOf(client, 'outbox', 'aggregateid = $1 and sequence = $2 and type = $3', [...key, type]);
    const [event, state] = [await inOutbox('EQUITY_UPDATED'), await inOutbox('CHALLENGE_STATE')];
    const bytes = (row: Row, column: string): number => Buffer.byteLength(row.get(column)?.value ?? '');
    return {
      trade,
      challenge,
      event,
      state,
      bytes: { trade: bytes(trade, 'answer'), event: bytes(event, 'payload'), state: bytes(state, 'payload') },
    };
  } finally {
    await client.end();
  }
}

/** Columns that a challenge keeps for ever. */
const FIXED = ['id', 'user_id', 'program_id', 'program_version', 'initial_balance', 'created_at'];
const FIXED_TOO = ['previous_challenge_id'];
/** Columns of the outbox that PostgreSQL fills. */
const FILLED = ['position', 'created_at'];

const NEXT_SEQUENCE = ':now_sequence::bigint + 1';
const NEXT_NUMBER = ':now_total_trades::integer + 1';

/** Texts go as variables, so that they cross the wire with each transaction, as a service's do. */
class Script {
  readonly definitions: string[] = [];

  copyOf(row: Row, name: string, own: Readonly<Record<string, string>>, without: readonly string[] = []) {
    return [...row]
      .filter(([column]) => !without.includes(column))
      .map(([column, { value, type }]) => {
        const ours = own[column];
        if (ours !== undefined) return [column, ours] as const;
        if (value === null) return [column, 'null'] as const;
        this.definitions.push(`--define=${name}_${column}=${value}`);
        return [column, `:${name}_${column}::${type}`] as const;
      });
  }
}

type Copy = ReturnType<Script['copyOf']>;
const names = (copy: Copy): string => copy.map(([column]) => column).join(', ');
const values = (copy: Copy): string => copy.map(([, value]) => value).join(', ');

function scriptOf({ trade, challenge, event, state }: Sample, count: number) {
  const script = new Script();
  const row = { id: 'gen_random_uuid()', aggregateid: ':now_id', sequence: NEXT_SEQUENCE };
  const inserted = script.copyOf(trade, 'trade', {
    challenge_id: ':now_id::uuid',
    trade_id: 'gen_random_uuid()',
    number: NEXT_NUMBER,
    sequence: NEXT_SEQUENCE,
  });
  const updated = script.copyOf(
    challenge,
    'challenge',
    { event_id: 'gen_random_uuid()', sequence: NEXT_SEQUENCE, total_trades: NEXT_NUMBER },
    [...FIXED, ...FIXED_TOO],
  );
  const told = script.copyOf(event, 'event', row, FILLED);
  const stated = script.copyOf(state, 'state', row, FILLED);
  const text = [
    `\\set number random(${FIRST_SEAT}, ${FIRST_SEAT + count - 1})`,
    'begin;',
    `select * from challenge where id = ('${ID_PREFIX}' || :number)::uuid for no key update \\gset now_`,
    `insert into trade (${names(inserted)}) values (${values(inserted)});`,
    `update challenge set ${updated.map(([column, value]) => `${column} = ${value}`).join(', ')} where id = :now_id::uuid;`,
    `insert into outbox (${names(told)}) values (${values(told)}), (${values(stated)});`,
    'commit;',
    '',
  ].join('\n');
  return { text, definitions: script.definitions };
}

const run = promisify(execFile);

export interface PgbenchOptions {
  /** As the role that the service has. */
  readonly url: string;
  readonly sample: Sample;
  readonly challenges: number;
  readonly clients: number;
  readonly seconds: number;
}

/** @returns committed transactions per second */
export async function pgbench({ url, sample, challenges, clients, seconds }: PgbenchOptions): Promise<number> {
  const { hostname, port, username, password, pathname } = new URL(url);
  const folder = mkdtempSync(join(tmpdir(), 'tradesense-pgbench-'));
  try {
    const { text, definitions } = scriptOf(sample, challenges);
    const file = join(folder, 'trade.sql');
    writeFileSync(file, text);
    const { stdout } = await run(
      pgbenchProgram(),
      [
        ...['--no-vacuum', '--protocol=prepared', `--client=${clients}`, '--jobs=2', `--time=${seconds}`],
        ...[`--file=${file}`, ...definitions, pathname.slice(1)],
      ],
      { env: { PATH: process.env['PATH'], PGHOST: hostname, PGPORT: port, PGUSER: username, PGPASSWORD: password } },
    );
    const [, tps] = /^tps = ([\d.]+)/m.exec(stdout) ?? [];
    if (tps === undefined || !/number of failed transactions: 0 /.test(stdout))
      throw new Error(`pgbench did not succeed:\n${stdout}`);
    return Number(tps);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
