/**
 * Kafka headers of an event or state: CloudEvents 1.0, binary mode, all decimal or plain UTF-8 text (design 6.3).
 * `traceparent` is absent when the row has none.
 */
export const HEADER = {
  contentType: 'content-type',
  specVersion: 'ce_specversion',
  id: 'ce_id',
  source: 'ce_source',
  type: 'ce_type',
  time: 'ce_time',
  epoch: 'ce_epoch',
  sequence: 'ce_seq',
  position: 'ce_position',
  userId: 'ce_userid',
  traceparent: 'traceparent',
} as const;

/** Headers without which a record says nothing to a gateway (all but `traceparent`). */
export const REQUIRED_HEADERS = Object.values(HEADER).filter((name) => name !== HEADER.traceparent);

export interface RecordFacts {
  readonly id: string;
  readonly type: string;
  /** `created_at` in UTC with microseconds: 2026-11-25T14:46:18.123456Z */
  readonly time: string;
  readonly epoch: string;
  readonly sequence: string;
  readonly position: string;
  readonly userId: string;
  readonly traceparent: string | null;
}

export function headersOf(facts: RecordFacts): Record<string, string> {
  return {
    [HEADER.contentType]: 'application/json',
    [HEADER.specVersion]: '1.0',
    [HEADER.id]: facts.id,
    [HEADER.source]: '/tradesense/trade',
    [HEADER.type]: facts.type,
    [HEADER.time]: facts.time,
    [HEADER.epoch]: facts.epoch,
    [HEADER.sequence]: facts.sequence,
    [HEADER.position]: facts.position,
    [HEADER.userId]: facts.userId,
    ...(facts.traceparent === null ? {} : { [HEADER.traceparent]: facts.traceparent }),
  };
}
