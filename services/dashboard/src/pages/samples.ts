import type { ChallengeState, EquityFields, RiskAlert } from '@tradesense/contracts';

import type { Trade } from '../panels/activity-panel.js';
import type { Point } from '../panels/equity-chart.js';
import type { Shown } from './board.js';

/** Fixed figures for the gallery. */
const ID = '0b6f0a52-5a0e-4b8e-9f39-6a1b1a1d7c11';
const START_MS = Date.parse('2026-11-25T09:00:00Z');
export const NOW_MS = Date.parse('2026-11-25T14:30:00Z');
const at = (minutes: number): string => new Date(START_MS + minutes * 60_000).toISOString();

const STEPS = [
  0, 42, 85, 60, 130, 118, 64, -20, -95, -160, -240, -310, -352, -396, -420, -388, -350, -300, -210, -120, -60, 15, 80,
  126,
];
export const points: Point[] = STEPS.map((step, index) => ({
  sequence: index + 1,
  atMs: START_MS + index * 840_000,
  equity: `${10_000 + step}.00`,
}));
export const trades: Trade[] = points
  .slice(1)
  .map(({ sequence, atMs, equity }, index) => ({
    eventId: `${sequence}`,
    at: new Date(atMs).toISOString(),
    symbol: ['EURUSD', 'XAUUSD', 'US500'][index % 3] ?? '',
    pnl: `${(STEPS[index + 1] ?? 0) - (STEPS[index] ?? 0)}.00`,
    equity,
  }))
  .reverse();

const equityOf = (current: string): EquityFields => ({
  challenge_id: ID,
  user_id: 'trader-1',
  previous_equity: '10080.00',
  current_equity: current,
  max_equity_ever: '10130.00',
  daily_start_equity: '10000.00',
  daily_max_equity: '10130.00',
  daily_min_equity: '9580.00',
  total_pnl: `${Number.parseInt(current, 10) - 10_000}.00`,
  total_trades: 23,
  last_trade_at: at(322),
  trade_pnl: '46.00',
  trade_symbol: 'EURUSD',
  executed_at: at(322),
});

const alert = (sequence: number, drawdown: string, equity: string): RiskAlert => ({
  challenge_id: ID,
  user_id: 'trader-1',
  alert_type: 'HIGH_DAILY_DRAWDOWN',
  severity: 'MEDIUM',
  title: 'High Daily Drawdown Warning',
  message: `Daily drawdown at ${drawdown}% (limit: 5.00%)`,
  current_equity: equity,
  daily_start_equity: '10000.00',
  drawdown_percentage: drawdown,
  threshold_percentage: '5.00',
  alert_timestamp: at(196),
  event_id: `00000000-0000-7000-8000-${String(sequence).padStart(12, '0')}`,
  epoch: 1,
  sequence,
});

const stateOf = (current: string, more: Partial<ChallengeState> = {}): ChallengeState => ({
  challenge_id: ID,
  user_id: 'trader-1',
  epoch: 1,
  sequence: 24,
  event_id: '00000000-0000-7000-8000-000000000024',
  program: { id: 'seed', version: 1 },
  phase: 1,
  status: 'ACTIVE',
  status_reason: null,
  initial_balance: '10000.00',
  balance: current,
  created_at: at(0),
  closed_at: null,
  previous_challenge_id: null,
  equity: equityOf(current),
  day: { date: '2026-11-25', starts_at: '2026-11-25T00:00:00Z', ends_at: '2026-11-26T00:00:00Z' },
  limits: [
    {
      rule: 'DAILY_LOSS',
      limit_percentage: '5.00',
      floor: '9500.00',
      room: '0.00',
      used_percentage: '0.00',
      breached: false,
    },
    {
      rule: 'TOTAL_LOSS',
      limit_percentage: '10.00',
      floor: '9117.00',
      room: '0.00',
      used_percentage: '0.00',
      breached: false,
    },
  ],
  target: { equity: '11000.00', progress_percentage: '0.00' },
  trading_days: { done: 1, needed: 0 },
  open_alerts: [],
  ...more,
});

const live = (current: string, more: Partial<ChallengeState> = {}): Shown => ({
  connection: { is: 'live' },
  snapshot: stateOf(current, more),
  equityData: equityOf(current),
  statusData: null,
  riskAlerts: [alert(18, '4.20', '9580.00'), alert(14, '4.02', '9598.00')],
  isStale: false,
  asOf: '2026-11-25T14:29:59.500Z',
  error: null,
});

const empty: Shown = { ...live('10000.00'), snapshot: null, equityData: null, riskAlerts: [], asOf: null };

export const SAMPLES: Readonly<Record<string, Shown>> = {
  loading: { ...empty, connection: { is: 'connecting', attempt: 0, sinceMs: NOW_MS } },
  live: live('10126.00'),
  'near a limit': live('9570.00'),
  stale: {
    ...live('10126.00'),
    connection: { is: 'stale', why: 'watermark_old', sinceMs: NOW_MS - 12_000 },
    isStale: true,
    asOf: '2026-11-25T14:29:47Z',
  },
  reconnecting: {
    ...live('10126.00'),
    connection: { is: 'connecting', attempt: 3, sinceMs: NOW_MS - 8_000 },
    isStale: true,
    error: { code: 'connection_lost', message: 'The connection was lost', retryable: true },
  },
  failed: live('9480.00', { status: 'FAILED', status_reason: 'DAILY_LOSS', closed_at: at(322) }),
  denied: {
    ...empty,
    connection: { is: 'denied', fault: { code: 'forbidden', message: 'Access denied', retryable: false } },
  },
  empty: {
    ...live('10000.00', { equity: { ...equityOf('10000.00'), total_trades: 0 } }),
    equityData: { ...equityOf('10000.00'), total_trades: 0 },
    riskAlerts: [],
  },
};
