import type { Metrics } from '@tradesense/platform';

export interface StatesMetrics {
  /** Newer states published again because an older one had come behind them. */
  repaired(states: number): void;
  /** A challenge the guard had no room for: an older state of it would not be noticed. */
  forgotten(): void;
  tombstoned(why: 'epoch' | 'closed', states: number): void;
}

export function statesMetrics(metrics: Metrics): StatesMetrics {
  const repairs = metrics.counter({
    name: 'state_repairs_total',
    help: 'States published again because an older one had come behind them.',
  });
  const forgotten = metrics.counter({
    name: 'state_guard_forgotten_total',
    help: 'Challenges that the state guard had no room for.',
  });
  const tombstones = metrics.counter({
    name: 'state_tombstones_total',
    help: 'States taken out of the topic: of an earlier epoch, or long closed.',
    labels: ['why'],
  });
  return {
    repaired: (states) => repairs.inc(states),
    forgotten: () => forgotten.inc(),
    tombstoned: (why, states) => tombstones.inc({ why }, states),
  };
}
