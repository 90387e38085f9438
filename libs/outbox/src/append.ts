import { EVENTS } from '@tradesense/contracts';
import { Fault } from '@tradesense/platform';

import { columnsOf, unnest, type ColumnValue } from './columns.js';
import { type Locked, OutsideTransaction } from './locked.js';
import type { OutboxRow } from './row.js';
import type { Transaction } from './transaction.js';

/** Largest payloads in bytes: what Kafka's and the browsers' buffers are reckoned with. */
export const EVENT_BYTES = 16 * 1024;
export const STATE_BYTES = 48 * 1024;

export class NotLocked extends Fault {
  constructor(aggregateId: string) {
    super('outbox-not-locked', 'stop', `${aggregateId} is not locked by this transaction`);
  }
}

export class OutOfOrder extends Fault {
  constructor(aggregateId: string) {
    super('outbox-out-of-order', 'stop', `events of ${aggregateId} are not in order of sequence`);
  }
}

export class RowTooLarge extends Fault {
  constructor({ type, aggregateId }: OutboxRow, bytes: number) {
    super('outbox-row-too-large', 'stop', `${type} of ${aggregateId} has ${bytes} bytes`);
  }
}

/** Text that PostgreSQL or Kafka can not carry: NUL, also spelled \u0000 in JSON, or half of a surrogate pair. */
export class TextRefused extends Fault {
  constructor({ type, aggregateId }: OutboxRow) {
    super('outbox-text-refused', 'stop', `${type} of ${aggregateId} has text that can not be carried`);
  }
}

const TYPES = {
  id: 'uuid',
  aggregatetype: 'text',
  aggregateid: 'text',
  type: 'text',
  epoch: 'bigint',
  sequence: 'bigint',
  user_id: 'text',
  traceparent: 'text',
  payload: 'json',
} as const;
const COLUMNS = Object.keys(TYPES) as (keyof typeof TYPES)[];

/**
 * One statement for any number of rows; `order by` makes positions follow the order given. The payload is `json`, which keeps
 * the bytes, and the position is drawn by the column's default inside this statement (pitfalls P4, P22).
 */
const APPEND = `
  insert into outbox (${COLUMNS.join(', ')})
  select ${COLUMNS.map((name) => `${name}::${TYPES[name]}`).join(', ')}
    from ${unnest(COLUMNS)} with ordinality as given (${COLUMNS.join(', ')}, place)
   order by place`;

const ESCAPED = /\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})/;
/** In JSON text an escaped surrogate hides half a pair from `isWellFormed`: only the decoded text tells. */
const canBeCarried = (json: string): boolean =>
  !json.includes('\0') && isWellFormed(json) && (!ESCAPED.test(json) || textsOf(JSON.parse(json)).every(isPlain));
const isPlain = (text: string): boolean => !text.includes('\0') && isWellFormed(text);
const LONE_SURROGATE = /\p{Surrogate}/u;
const isWellFormed = (text: string): boolean => !LONE_SURROGATE.test(text);

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...textsOf(inner)]);
}

function check(transaction: Transaction, locked: Locked, rows: readonly OutboxRow[]): void {
  if (!transaction.isOpen) throw new OutsideTransaction();
  const last = new Map<string, number>();
  for (const row of rows) {
    if (!locked.covers(transaction, row.aggregateId)) throw new NotLocked(row.aggregateId);
    const bytes = Buffer.byteLength(row.payload);
    if (bytes > (row.aggregateType === EVENTS ? EVENT_BYTES : STATE_BYTES)) throw new RowTooLarge(row, bytes);
    if (![row.type, row.userId, row.traceparent ?? ''].every(isPlain) || !canBeCarried(row.payload))
      throw new TextRefused(row);
    if (row.aggregateType !== EVENTS) continue;
    if (row.sequence <= (last.get(row.aggregateId) ?? 0)) throw new OutOfOrder(row.aggregateId);
    last.set(row.aggregateId, row.sequence);
  }
}

/**
 * Appends rows in the caller's transaction. The writer's rule: lock the aggregate, keep the lock to commit, then append, in
 * order of sequence. Faults found here are thrown before anything is sent.
 * @param locked what `lockAggregates` returned in this transaction
 */
export async function append(transaction: Transaction, locked: Locked, rows: readonly OutboxRow[]): Promise<void> {
  check(transaction, locked, rows);
  await transaction.query(APPEND, columnsOf(rows.map(columnar), COLUMNS));
}

const columnar = (row: OutboxRow): Readonly<Record<keyof typeof TYPES, ColumnValue>> => ({
  id: row.id,
  aggregatetype: row.aggregateType,
  aggregateid: row.aggregateId,
  type: row.type,
  epoch: row.epoch,
  sequence: row.sequence,
  user_id: row.userId,
  traceparent: row.traceparent,
  payload: row.payload,
});
