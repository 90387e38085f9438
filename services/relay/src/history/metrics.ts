import type { Metrics } from '@tradesense/platform';

export interface HistoryMetrics {
  rewound(isRewound: boolean): void;
  /** Rows of an earlier epoch, which are not sent. */
  withheld(rows: number): void;
}

export function historyMetrics(metrics: Metrics): HistoryMetrics {
  const rewound = metrics.gauge({
    name: 'history_rewound',
    help: '1 while Kafka has what this database has not: nothing is published until the epoch is raised.',
  });
  const withheld = metrics.counter({
    name: 'withheld_rows_total',
    help: 'Rows of an earlier epoch that were passed over.',
  });
  return { rewound: (isRewound) => rewound.set(isRewound ? 1 : 0), withheld: (rows) => withheld.inc(rows) };
}
