import { EVENTS } from '@tradesense/contracts';
import { Fault } from '@tradesense/platform';

import { sqlOf, valuesOf, type Columns } from './columns.js';
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

const COLUMNS: Columns<OutboxRow> = {
  id: ['uuid', ({ id }) => id],
  aggregatetype: ['text', ({ aggregateType }) => aggregateType],
  aggregateid: ['text', ({ aggregateId }) => aggregateId],
  type: ['text', ({ type }) => type],
  epoch: ['bigint', ({ epoch }) => epoch],
  sequence: ['bigint', ({ sequence }) => sequence],
  user_id: ['text', ({ userId }) => userId],
  traceparent: ['text', ({ traceparent }) => traceparent],
  payload: ['json', ({ payload }) => payload],
};
const { names, casts, from } = sqlOf(COLUMNS);

/**
 * One statement for any number of rows; `order by` makes positions follow the order given. The payload is `json`, which keeps
 * the bytes, and the position is drawn by the column's default inside this statement (pitfalls P4, P22).
 */
const APPEND = `
  insert into outbox (${names})
  select ${casts}
    from ${from} with ordinality as given (${names}, place)
   order by place`;

const ESCAPED = /\\u(0000|[dD][89a-fA-F][0-9a-fA-F]{2})/;
/** In JSON text an escaped surrogate hides half a pair from `isWellFormed`: only the decoded text tells. */
const canBeCarried = (json: string): boolean =>
  !json.includes('\0') && json.isWellFormed() && (!ESCAPED.test(json) || textsOf(JSON.parse(json)).every(isPlain));
const isPlain = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

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
    if (!isPlain(row.type) || !isPlain(row.userId) || !isPlain(row.traceparent ?? '') || !canBeCarried(row.payload))
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
  await transaction.query(APPEND, valuesOf(COLUMNS, rows));
}
