import type { Program } from '../domain/index.js';
import type { Queries } from './transaction.js';

/** What is there stays: a version never changes. */
const INSERT_PROGRAMS = `
  insert into program (id, version, document)
  select id, version, document
    from json_to_recordset($1) as given (id text, version integer, document json)
  on conflict do nothing`;

export async function insertPrograms(queries: Queries, programs: readonly Program[]): Promise<void> {
  const rows = programs.map(({ id, version, document }) => ({ id, version, document }));
  await queries.query(INSERT_PROGRAMS, [JSON.stringify(rows)]);
}

const READ_PROGRAMS = `select document from program order by id, version`;

export async function readPrograms(queries: Queries): Promise<readonly unknown[]> {
  const rows = await queries.query<{ readonly document: unknown }>(READ_PROGRAMS);
  return rows.map(({ document }) => document);
}
