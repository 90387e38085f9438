import type { TopicSpec } from '@tradesense/contracts';
import type { OpenReader } from '@tradesense/kafka';
import { Fault, faultOf, type Clock, type Logger } from '@tradesense/platform';

import type { Session, Statement } from '../database/index.js';
import { lastRecords, type Published } from './last-records.js';
import type { HistoryMetrics } from './metrics.js';

/**
 * Notices that the database was restored to an earlier time, or that a replica took over which lagged (design 5.4): positions and
 * sequences would be given twice, for other events, and every consumer would drop the new ones as known.
 *
 * What Kafka has can't be taken back, so it is the witness: the last record of each events partition names the position and the
 * id of its row. In a history that only went on, that row is still there, as it was committed before it was published.
 *
 * H1 Another id at this position: the position was given again. This is seen however long trading has gone on since.
 * H2 No row, and the sequence has not come that far: the rest of the history is missing.
 * H3 No row, although it is younger than the retention and an older one is kept: lost as well. Retention empties the outbox from
 *    its beginning, so a gap behind a row that is kept was never made by it; and it takes nothing that is young.
 * H4 A record of an earlier epoch proves nothing: raising the epoch is how operators say that they know.
 *
 * Records by a stopped leader that wakes up are of committed rows and prove the same. Deliberately not done: a look at every
 * record. The last ones are those that a lost end of the history takes first.
 */
export interface HistoryOptions {
  readonly session: Pick<Session, 'query'>;
  readonly open: OpenReader;
  readonly topic: TopicSpec;
  /** Where the partitions of the events ended after the lease was taken. */
  readonly ends: ReadonlyMap<number, bigint>;
  /** What is younger is never removed from the outbox. */
  readonly keptMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly metrics: Pick<HistoryMetrics, 'rewound'>;
  /** Told when it is, and once more should another record show it. */
  readonly rewound: (fault: Fault) => void;
  readonly signal: AbortSignal;
}

const READ_MS = 15_000;
const AGAIN_MS = 1_000;

/**
 * Resolves when nothing speaks against publishing: at once, or after the epoch was raised. Rejects where Kafka or the database
 * can't be asked, and with the signal's reason.
 */
export async function checkHistory(options: HistoryOptions): Promise<void> {
  const { session, keptMs, clock, log, metrics, signal } = options;
  const published = await lastOf(options);
  for (let told = ''; ; await clock.sleep(AGAIN_MS, signal)) {
    signal.throwIfAborted();
    const contradictions = await session.query<Contradiction>(contradicted(published, keptMs));
    metrics.rewound(contradictions.length > 0);
    if (contradictions.length === 0) return;
    const fault = rewound(options.topic, published, contradictions);
    if (fault.message === told) continue;
    told = fault.message;
    log.error({ err: fault, partitions: contradictions.length }, 'history_rewound: nothing is published');
    options.rewound(fault);
  }
}

async function lastOf({ open, topic, ends, signal }: HistoryOptions): Promise<readonly Published[]> {
  const late = AbortSignal.timeout(READ_MS);
  try {
    return await lastRecords(open, { topic, ends }, AbortSignal.any([signal, late]));
  } catch (error) {
    signal.throwIfAborted();
    const why = late.aborted ? `not within ${READ_MS / 1000} s` : faultOf(error).message;
    throw new Fault('history-unread', 'wait', `the last records of ${topic.name} could not be read: ${why}`, {
      cause: error,
    });
  }
}

/** One statement, so that the rows, the sequence and the epoch are of one moment. */
const contradicted = (published: readonly Published[], keptMs: number): Statement => ({
  text: `
    select p.place::int as place, s.epoch::text as epoch, o.id::text as found, drawn.last::text as drawn
    from unnest($1::bigint[], $2::text[], $3::bigint[], $4::float8[]) with ordinality
           as p (position, id, epoch, created_at_ms, place)
    cross join stream s
    cross join (select case when is_called then last_value else last_value - 1 end as last from outbox_position) drawn
    left join outbox o on o.position = p.position
    where p.epoch >= s.epoch
      and case when o.position is not null then o.id::text <> p.id
          else p.position > drawn.last
            or (p.created_at_ms > extract(epoch from clock_timestamp()) * 1000 - $5::float8
                and exists (select from outbox kept where kept.position < p.position))
          end
    order by p.place`,
  values: [
    published.map(({ position }) => position),
    published.map(({ id }) => id),
    published.map(({ epoch }) => epoch),
    published.map(({ createdAtMs }) => createdAtMs),
    keptMs,
  ],
});
interface Contradiction {
  /** Of the record among those asked for, from 1. */
  readonly place: number;
  readonly epoch: string;
  readonly found: string | null;
  readonly drawn: string;
}

function rewound(
  { name }: TopicSpec,
  published: readonly Published[],
  contradictions: readonly Contradiction[],
): Fault {
  const [first] = contradictions as readonly [Contradiction];
  const { partition, offset, position, id } = published[first.place - 1]!;
  const instead =
    first.found === null ? `no such row (positions drawn: up to ${first.drawn})` : `event ${first.found} there`;
  return new Fault(
    'history-rewound',
    'wait',
    `history_rewound: ${name}[${partition}] at offset ${offset} has position ${position} with event ${id}, but the outbox has ` +
      `${instead}; ${contradictions.length} of ${published.length} partitions contradict it. The database was set back to an ` +
      `earlier time: nothing is published until the stream's epoch, ${first.epoch}, is raised`,
  );
}
