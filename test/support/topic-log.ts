import { HEADER, type TopicSpec } from '@tradesense/contracts';
import { connectAdmin, openReader, type IncomingRecord } from '@tradesense/kafka';
import pg from 'pg';

import { contiguousPerChallenge, firstOccurrences, sameSet, type Numbered } from './invariants.js';
import { until } from './until.js';

export interface Logged extends Numbered {
  readonly event_id: string;
  readonly payload: string;
}

const text = (record: IncomingRecord, header: string): string => record.headers.get(header)?.toString() ?? '';

/** A topic from its start to where it ended when this was called; each partition in its order. */
export async function readTopic(
  brokers: readonly string[],
  { name, partitions }: TopicSpec,
): Promise<readonly Logged[]> {
  const admin = connectAdmin({ brokers, clientId: 'test-log' });
  const ends = await admin.ends(name).finally(() => admin.close());
  const log: Logged[] = [];
  const reader = openReader({ brokers, clientId: 'test-log' }, [{ topic: name, partitions, from: 'start' }], {
    records: (records) => {
      for (const record of records)
        log.push({
          challenge_id: record.key?.toString() ?? '',
          epoch: Number(text(record, HEADER.epoch)),
          sequence: Number(text(record, HEADER.sequence)),
          event_id: text(record, HEADER.id),
          payload: record.value?.toString() ?? '',
        });
    },
    lost: (loss) => {
      throw new Error(`${loss.topic}/${loss.partition} lacks ${loss.from} to ${loss.to}: ${loss.why}`);
    },
    position: () => undefined,
  });
  await reader.start();
  const behind = () => [...ends].filter(([partition, end]) => (reader.position(name, partition) ?? 0n) < end);
  await until(behind, (partitions) => partitions.length === 0, { what: `the end of ${name}` }).finally(() =>
    reader.stop(),
  );
  return log;
}

/**
 * What is wrong with the log of events, compared with the outbox they come from: events missing or from nowhere, first
 * occurrences out of sequence, other bytes than were committed. Empty: nothing.
 */
export async function logBreaches(
  ground: { readonly brokers: readonly string[]; databaseUrl(role: 'postgres'): string },
  events: TopicSpec,
): Promise<readonly string[]> {
  const log = await readTopic(ground.brokers, events);
  const client = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
  await client.connect();
  const { rows } = await client
    .query<Logged>(
      `select aggregateid as challenge_id, epoch::int, sequence::int, id as event_id, payload::text
       from outbox where aggregatetype = 'challenge-events' order by position`,
    )
    .finally(() => client.end());
  const committed = new Map(rows.map(({ event_id, payload }) => [event_id, payload]));
  return [
    ...sameSet(rows, log),
    ...contiguousPerChallenge(log),
    ...firstOccurrences(log)
      .filter(({ event_id, payload }) => committed.get(event_id) !== payload)
      .map(({ event_id }) => `other bytes than committed: ${event_id}`),
  ];
}
