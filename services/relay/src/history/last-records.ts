import { HEADER, isUuid, type TopicSpec } from '@tradesense/contracts';
import { readStretch, type IncomingRecord, type OpenReader } from '@tradesense/kafka';

/** What a record says of the row that it was made of. */
export interface Published {
  readonly partition: number;
  readonly offset: bigint;
  readonly position: string;
  readonly id: string;
  readonly epoch: string;
  /** When the row was inserted, by the database, milliseconds; null where the record does not say. */
  readonly createdAtMs: number | null;
}

/** How far back from its end a partition is searched for a record of ours: nearly always the last one is. */
const BACK = [1n, 100n];
/** Kafka answers with whole batches, of which one record is wanted: a few partitions at a time. */
const MAX_BYTES = 1024 * 1024;

/** The last record of each partition that was made of a row. A partition without one in reach is left out. */
export async function lastRecords(
  open: OpenReader,
  { topic, ends }: { readonly topic: TopicSpec; readonly ends: ReadonlyMap<number, bigint> },
  signal: AbortSignal,
): Promise<readonly Published[]> {
  const sparingly: OpenReader = (topics, handlers, options) =>
    open(topics, handlers, { ...options, maxBytes: MAX_BYTES });
  const found = new Map<number, Published>();
  for (const back of BACK) {
    const missing = [...ends].filter(([partition, end]) => end > 0n && !found.has(partition));
    // Of the others nothing is read: they begin at their end.
    const offsets = new Map(ends);
    for (const [partition, end] of missing) offsets.set(partition, end > back ? end - back : 0n);
    await readStretch(
      sparingly,
      { topic, from: { offsets }, to: new Map(missing) },
      (records) => {
        for (const record of records) {
          const published = readPublished(record);
          if (published !== undefined) found.set(record.partition, published);
        }
      },
      signal,
    );
  }
  return [...found.values()];
}

const POSITION = /^\d{1,18}$/;

/** Undefined where the record is not of a relay's, or Debezium's, making. */
function readPublished({ partition, offset, headers }: IncomingRecord): Published | undefined {
  const text = (name: string): string => headers.get(name) ?? '';
  const [position, id, epoch] = [text(HEADER.position), text(HEADER.id), text(HEADER.epoch)];
  if (!POSITION.test(position) || !isUuid(id) || !POSITION.test(epoch)) return undefined;
  const createdAtMs = Date.parse(text(HEADER.time));
  return { partition, offset, position, id, epoch, createdAtMs: Number.isNaN(createdAtMs) ? null : createdAtMs };
}
