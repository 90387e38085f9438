import { STATE, headersOf } from '@tradesense/contracts';
import type { OutgoingRecord, TopicRecords } from '@tradesense/kafka';

import type { Row } from '../reading/index.js';

/** Rows that need not be sent: a state that a later state of the same challenge in these rows replaces. Order is kept. */
export function withoutSuperseded(rows: readonly Row[]): readonly Row[] {
  const latest = new Map<string, Row>();
  for (const row of rows) if (row.aggregatetype === STATE) latest.set(row.aggregateid, row);
  return rows.filter((row) => row.aggregatetype !== STATE || latest.get(row.aggregateid) === row);
}

/** Rows in order, as one list of records per topic. */
export function recordsOf(rows: readonly Row[], topicPrefix: string): readonly TopicRecords[] {
  const topics = new Map<string, OutgoingRecord[]>();
  for (const row of rows) {
    const topic = topicPrefix + row.aggregatetype;
    const records = topics.get(topic);
    if (records === undefined) topics.set(topic, [recordOf(row)]);
    else records.push(recordOf(row));
  }
  return [...topics].map(([topic, records]) => ({ topic, records }));
}

function recordOf(row: Row): OutgoingRecord {
  return {
    key: row.aggregateid,
    value: row.payload,
    headers: headersOf({
      id: row.id,
      type: row.type,
      time: row.created_at,
      epoch: row.epoch,
      sequence: row.sequence,
      position: String(row.position),
      userId: row.user_id,
      traceparent: row.traceparent,
    }),
  };
}
