import type { Metrics } from '@tradesense/platform';

import type { Ranges } from './housekeeper.js';
import type { Outcome } from './statements.js';

export interface HousekeepingMetrics {
  stepped(outcome: Outcome): void;
}

/** @param ranges undefined while this process keeps no house: then the gauges have no value at all */
export function housekeepingMetrics(metrics: Metrics, ranges: () => Ranges | undefined): HousekeepingMetrics {
  const gauge = (name: string, help: string, read: (ranges: Ranges) => number | undefined): void =>
    metrics.gaugeOf(name, help, () => {
      const now = ranges();
      return now === undefined ? undefined : read(now);
    });
  gauge('ranges_ahead', 'Ranges that begin above the last position drawn; 3 are meant to.', ({ ahead }) => ahead);
  gauge(
    'default_rows',
    'Rows that found no range and lie in the DEFAULT, counted up to 1,000; none are meant to.',
    ({ defaultRows }) => defaultRows,
  );
  gauge('outbox_bytes', 'Size of the outbox on disk, indexes included.', ({ bytes }) => bytes);
  gauge(
    'outbox_hours_left',
    'Hours until the outbox has OUTBOX_DISK_BYTES, if rows come as in the last hour and nothing is emptied meanwhile. Absent without that setting.',
    ({ hoursLeft }) => hoursLeft,
  );
  const steps = metrics.counter({
    name: 'housekeeping_steps_total',
    help: 'Steps by what came of them; busy: a lock was not to be had in time.',
    labels: ['outcome'],
  });
  return { stepped: (outcome) => steps.inc({ outcome }) };
}
