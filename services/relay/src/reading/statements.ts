import { STORED_COLUMNS, type StoredRow } from '@tradesense/outbox';

import type { Statement } from '../database/index.js';

export const SEQUENCE = 'outbox_position';

/** A row of the outbox; its position as the number it is. */
export interface Row extends Omit<StoredRow, 'position'> {
  readonly position: bigint;
}

const NO_ROW = [
  'position',
  'id',
  'aggregatetype',
  'aggregateid',
  'type',
  'epoch',
  'sequence',
  'user_id',
  'traceparent',
  'payload',
  'created_at',
]
  .map((column) => `null::text as ${column}`)
  .join(', ');

/** As it comes: first one that only carries the time, then the rows. */
export type ReadRow = { readonly read_at: string; readonly position: null } | (StoredRow & { readonly read_at: null });

// now() and not statement_timestamp(): a transaction's start comes before its snapshot, so all that was committed before it is seen.
// Rows are sorted as numbers: in the inner lists `position` is text already.
const timed = (rows: string): string => `
  select answer.* from (
    select to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as read_at, ${NO_ROW}
    union all
    select null, found.* from (${rows}) as found
  ) as answer
  order by answer.position::bigint nulls first`;

const NEW_ROWS = timed(`select ${STORED_COLUMNS} from outbox o where o.position > $1 order by o.position limit $2`);

// Rows of holes and new rows in one statement, since it must be one snapshot. The inner lateral makes it one index descent per hole.
const LATE_AND_NEW_ROWS = timed(`
  (select late.*
   from unnest($3::bigint[], $4::bigint[]) as hole (lo, hi)
   cross join lateral (
     select ${STORED_COLUMNS} from outbox o where o.position between hole.lo and hole.hi order by o.position limit $2
   ) as late
   order by late.position::bigint limit $2)
  union all
  (select ${STORED_COLUMNS} from outbox o where o.position > $1 order by o.position limit $2)`);

export interface Wanted {
  readonly above: bigint;
  readonly holes: readonly { readonly lo: bigint; readonly hi: bigint }[];
  /** Of new rows, and of late rows too. */
  readonly limit: number;
}

export const readRows = ({ above, holes, limit }: Wanted): Statement =>
  holes.length === 0
    ? { name: 'new-rows', text: NEW_ROWS, values: [above, limit] }
    : {
        name: 'late-and-new-rows',
        text: LATE_AND_NEW_ROWS,
        values: [above, limit, holes.map(({ lo }) => lo), holes.map(({ hi }) => hi)],
      };

/**
 * Who may still fill a hole: the transactions that hold what `nextval` locks. Other modes are of those who only look at the
 * sequence (dumps, monitoring). Live, whatever the isolation level; on the primary only.
 */
export const readHolders: Statement = {
  name: 'holders',
  text: `
    select l.virtualtransaction as holder
    from pg_locks l
    where l.locktype = 'relation' and l.mode = 'RowExclusiveLock' and l.granted
      and l.relation = '${SEQUENCE}'::regclass
      and l.database = (select d.oid from pg_database d where d.datname = current_database())`,
};
export interface HolderRow {
  readonly holder: string;
}

/** Rows of one challenge. No index leads to them: what is asked for is a piece of the outbox, read along its positions. */
export const rowsOfChallenge = (
  challengeId: string,
  { from, to, limit }: { readonly from: bigint; readonly to: bigint; readonly limit: number },
): Statement => ({
  name: 'rows-of-challenge',
  text: `
    select ${STORED_COLUMNS} from outbox o
    where o.position between $2 and $3 and o.aggregateid = $1
    order by o.position limit $4`,
  values: [challengeId, from, to, limit],
});

/** The answer's own object, not a copy: a backlog is a million of them. */
export const rowOf = (stored: StoredRow): Row => Object.assign(stored, { position: BigInt(stored.position) });

export function rowsOf(answer: readonly ReadRow[]): readonly Row[] {
  const rows: Row[] = [];
  for (const row of answer) if (row.position !== null) rows.push(rowOf(row));
  return rows;
}
