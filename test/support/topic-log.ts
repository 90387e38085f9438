import { EVENTS, HEADER, type TopicSpec } from '@tradesense/contracts';
import { connectAdmin, openReader, type IncomingRecord } from '@tradesense/kafka';
import pg from 'pg';

import { LogCheck, type Repeat, type Stored, type Told, type Verdict } from './log-check.js';
import { until } from './until.js';

const text = (record: IncomingRecord, header: string): string => record.headers.get(header)?.toString() ?? '';

/** An event as a record of its topic tells it. */
export const storedOf = (record: IncomingRecord): Stored => ({
  challenge_id: record.key?.toString() ?? '',
  epoch: Number(text(record, HEADER.epoch)),
  sequence: Number(text(record, HEADER.sequence)),
  event_id: text(record, HEADER.id),
  payload: record.value ?? '',
  partition: record.partition,
  storedAtMs: record.timestampMs,
});

/** Slower than this nothing is read that is read at all. */
const LEAST_PER_S = 2_000;

/** Hands on a topic from its start to where it ended when this was called; each partition in its order. */
export async function eachRecord(
  brokers: readonly string[],
  { name, partitions }: TopicSpec,
  handle: (record: IncomingRecord) => void,
): Promise<void> {
  const admin = connectAdmin({ brokers, clientId: 'test-log' });
  const ends = await admin.ends(name).finally(() => admin.close());
  const reader = openReader({ brokers, clientId: 'test-log' }, [{ topic: name, partitions, from: 'start' }], {
    records: (records) => {
      for (const record of records) handle(record);
    },
    lost: (loss) => {
      throw new Error(`${loss.topic}/${loss.partition} lacks ${loss.from} to ${loss.to}: ${loss.why}`);
    },
    position: () => undefined,
  });
  await reader.start();
  const behind = () => [...ends].filter(([partition, end]) => (reader.position(name, partition) ?? 0n) < end);
  const count = [...ends.values()].reduce((sum, end) => sum + Number(end), 0);
  const withinMs = 20_000 + (count / LEAST_PER_S) * 1_000;
  await until(behind, (partitions) => partitions.length === 0, { withinMs, what: `the end of ${name}` }).finally(() =>
    reader.stop(),
  );
}

const PAGE = 5_000;

/** Hands on the outbox's events in order of position, a page at a time. */
async function eachCommitted(databaseUrl: string, handle: (event: Told) => void): Promise<void> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    for (let above = '0'; ;) {
      const { rows } = await client.query<Told & { readonly at: string }>(
        `select position::text as at, aggregateid as challenge_id, epoch::int, sequence::int, id as event_id, payload::text
         from outbox where position > $1 and aggregatetype = $2 order by position limit ${PAGE}`,
        [above, EVENTS],
      );
      for (const row of rows) handle(row);
      if (rows.length < PAGE) return;
      above = rows.at(-1)!.at;
    }
  } finally {
    await client.end();
  }
}

export interface LogGround {
  readonly brokers: readonly string[];
  databaseUrl(role: 'postgres'): string;
}

/**
 * Compares the topic of events with the outbox, from the start of both; the rules are LogCheck's. Everything committed must have been
 * published by now.
 */
export async function checkLog(
  { brokers, databaseUrl }: LogGround,
  events: TopicSpec,
  onRepeat?: (repeat: Repeat) => void,
): Promise<Verdict> {
  const check = new LogCheck(onRepeat);
  await eachCommitted(databaseUrl('postgres'), (event) => check.committed(event));
  await eachRecord(brokers, events, (record) => check.stored(storedOf(record)));
  return check.verdict();
}

/** What is wrong with the log of events; empty: nothing. */
export const logBreaches = async (ground: LogGround, events: TopicSpec): Promise<readonly string[]> =>
  (await checkLog(ground, events)).breaches;
