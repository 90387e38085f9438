import { EVENTS, type AggregateType } from '@tradesense/contracts';
import type { Metrics } from '@tradesense/platform';

import type { ParkingMetrics } from './parking/index.js';
import { historyMetrics, type HistoryMetrics } from './history/index.js';
import type { PublishingMetrics } from './publishing/index.js';
import type { ReadingMetrics } from './reading/index.js';
import { statesMetrics, type StatesMetrics } from './states/index.js';

/** What only a leader can say, as it is now. */
export interface Leadership {
  readonly generation: number;
  readonly marginMs: number;
  /** Rows that are not in Kafka yet; positions that no row will have are counted until they are known to be such. */
  readonly pending: bigint;
  /** Age of the oldest row that was read and not yet acknowledged; 0 when there is none. */
  readonly lagMs: number;
  /** Age of the moment up to which everything is in Kafka; unknown before the first acknowledgement. */
  readonly asOfAgeMs: number | undefined;
  /** Challenges of which events are held back, and those of them that wait for an operator. */
  readonly parked: number;
  readonly deadLetters: number;
}

const ROWS = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000];

export type RelayMetrics = ReadingMetrics & PublishingMetrics & ParkingMetrics & HistoryMetrics & StatesMetrics;

/** @param leadership undefined while this process does not lead: then the leader's gauges have no value at all */
export function relayMetrics(metrics: Metrics, leadership: () => Leadership | undefined): RelayMetrics {
  metrics.gauge({
    name: 'leader',
    help: '1 while this process holds the lease.',
    collect: (gauge) => gauge.set(leadership() === undefined ? 0 : 1),
  });
  const ofLeader = (name: string, help: string, read: (leading: Leadership) => number | undefined): void =>
    metrics.gaugeOf(name, help, () => {
      const leading = leadership();
      return leading === undefined ? undefined : read(leading);
    });
  ofLeader('generation', 'Generation of the lease held.', ({ generation }) => generation);
  ofLeader(
    'lease_margin_seconds',
    'How long the lease is still trusted without an extension.',
    ({ marginMs }) => marginMs / 1000,
  );
  ofLeader('pending_rows', 'Rows that are not in Kafka yet, at most.', ({ pending }) => Number(pending));
  ofLeader('lag_seconds', 'Age of the oldest row read and not acknowledged.', ({ lagMs }) => lagMs / 1000);
  ofLeader('as_of_age_seconds', 'Age of the moment up to which Kafka has everything committed.', ({ asOfAgeMs }) =>
    asOfAgeMs === undefined ? undefined : asOfAgeMs / 1000,
  );

  ofLeader('parked_challenges', 'Challenges of which events are held back.', ({ parked }) => parked);
  ofLeader('dead_letters', 'Parked challenges that wait for an operator.', ({ deadLetters }) => deadLetters);

  const published = metrics.counter({ name: 'published_total', help: 'Records acknowledged.', labels: ['stream'] });
  const repeats = metrics.counter({ name: 'repeats_total', help: 'Rows sent again because Kafka may lack them.' });
  const refusals = metrics.counter({ name: 'rows_refused_total', help: 'Rows that became dead letters.' });
  const notSent = metrics.counter({
    name: 'sends_failed_total',
    help: 'Sends without an acknowledgement.',
    labels: ['code'],
  });
  const batchRows = metrics.histogram({ name: 'batch_rows', help: 'Records per acknowledged send.', buckets: ROWS });
  const sendSeconds = metrics.histogram({ name: 'send_seconds', help: 'From send to acknowledgement.' });
  const toAck = metrics.histogram({
    name: 'append_to_ack_seconds',
    help: 'From the insert of a row, by the database, to its acknowledgement.',
  });
  const holesOpen = metrics.gauge({ name: 'holes_open', help: 'Ranges of positions not seen yet.' });
  const lateRows = metrics.counter({ name: 'late_rows_total', help: 'Rows that filled a hole.' });
  const givenUp = metrics.counter({
    name: 'positions_given_up_total',
    help: 'Positions that no row will have: rolled back, or lost with a crash.',
  });

  return {
    ...historyMetrics(metrics),
    ...statesMetrics(metrics),
    passed(pass) {
      lateRows.inc(pass.late);
      givenUp.inc(Number(pass.givenUp));
      holesOpen.set(pass.holes);
    },
    sent(rows, { ms, sendMs }) {
      const events = rows.filter(({ aggregatetype }) => aggregatetype === EVENTS).length;
      published.inc({ stream: 'challenge-events' satisfies AggregateType }, events);
      published.inc({ stream: 'challenge-state' satisfies AggregateType }, rows.length - events);
      batchRows.observe(rows.length);
      sendSeconds.observe(sendMs / 1000);
      for (const row of rows) toAck.observe(ms(row) / 1000);
    },
    repeated: (rows) => repeats.inc(rows),
    refused: () => refusals.inc(),
    notSent: (code) => notSent.inc({ code }),
  };
}
