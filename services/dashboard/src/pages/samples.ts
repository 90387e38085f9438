import type { ChallengeState, EquityFields, LimitView, RiskAlert, StatusReason } from '@tradesense/contracts';

import type { Entry } from '../panels/activity-panel.js';
import type { Shown } from './board.js';
import type { Session } from './session.js';

/** Fixed figures for the gallery: a day of whole amounts above and below 10,000, each challenge one course of them. */
const ID = '0b6f0a52-5a0e-4b8e-9f39-6a1b1a1d7c11';
const START_MS = Date.parse('2026-11-25T09:00:00Z');
export const NOW_MS = Date.parse('2026-11-25T14:30:00Z');
const STEP_MS = 840_000;
const INITIAL = 10_000;
const SYMBOLS = ['EURUSD', 'XAUUSD', 'US500'] as const;

const MORNING = [0, 42, 85, 60, 130, 118, 64, -20, -95, -160, -240, -310, -352, -396];
const COURSES = {
  recovered: [...MORNING, -420, -388, -350, -300, -210, -120, -60, 15, 80, 126],
  sinking: [...MORNING, -380, -350, -405, -390, -430],
  failed: [...MORNING, -380, -350, -405, -390, -430, -520],
  funded: [0, 42, 185, 160, 330, 318, 464, 520, 495, 660, 740, 810, 952, 1004],
  fresh: [0],
} as const satisfies Record<string, readonly number[]>;
type Course = keyof typeof COURSES;

const money = (amount: number): string => amount.toFixed(2);
const moment = (step: number): string => new Date(START_MS + step * STEP_MS).toISOString();
const eventId = (sequence: number): string => `00000000-0000-7000-8000-${String(sequence).padStart(12, '0')}`;

function equityOf(course: readonly number[]): EquityFields {
  const last = course.at(-1) ?? 0;
  const before = course.at(-2) ?? null;
  const trades = course.length - 1;
  const lastAt = trades === 0 ? null : moment(trades);
  return {
    challenge_id: ID,
    user_id: 'trader-1',
    previous_equity: money(INITIAL + (before ?? 0)),
    current_equity: money(INITIAL + last),
    max_equity_ever: money(INITIAL + Math.max(...course)),
    daily_start_equity: money(INITIAL),
    daily_max_equity: money(INITIAL + Math.max(...course)),
    daily_min_equity: money(INITIAL + Math.min(...course)),
    total_pnl: money(last),
    total_trades: trades,
    last_trade_at: lastAt,
    trade_pnl: before === null ? null : money(last - before),
    trade_symbol: before === null ? null : (SYMBOLS[trades % 3] ?? null),
    executed_at: lastAt,
  };
}

function limitsOf(course: readonly number[]): LimitView[] {
  const equity = INITIAL + (course.at(-1) ?? 0);
  const peak = INITIAL + Math.max(...course);
  const limit = (rule: LimitView['rule'], reference: number, percent: number): LimitView => {
    const allowed = (reference * percent) / 100;
    const floor = reference - allowed;
    return {
      rule,
      limit_percentage: money(percent),
      floor: money(floor),
      room: money(equity - floor),
      used_percentage: money((Math.max(0, reference - equity) / allowed) * 100),
      breached: equity < floor,
    };
  };
  return [limit('DAILY_LOSS', INITIAL, 5), limit('TOTAL_LOSS', peak, 10)];
}

function stateOf(course: readonly number[], more: Partial<ChallengeState>): ChallengeState {
  const last = course.at(-1) ?? 0;
  const sequence = course.length - 1;
  return {
    challenge_id: ID,
    user_id: 'trader-1',
    epoch: 1,
    sequence,
    event_id: eventId(sequence),
    program: { id: 'seed', version: 1 },
    phase: 1,
    status: 'ACTIVE',
    status_reason: null,
    initial_balance: money(INITIAL),
    balance: money(INITIAL + last),
    created_at: moment(0),
    closed_at: null,
    previous_challenge_id: null,
    equity: equityOf(course),
    day: { date: '2026-11-25', starts_at: '2026-11-25T00:00:00Z', ends_at: '2026-11-26T00:00:00Z' },
    limits: limitsOf(course),
    target: { equity: '11000.00', progress_percentage: money(Math.max(0, last) / 10) },
    trading_days: { done: sequence === 0 ? 0 : 1, needed: 0 },
    open_alerts: [],
    ...more,
  };
}

/** One each time the course comes past 80 % of the daily limit from above. */
function alertsOf(course: readonly number[]): readonly RiskAlert[] {
  return course.flatMap((step, index) => {
    if (step > -400 || step < -500 || (course[index - 1] ?? 0) <= -400) return [];
    const drawdown = money(-step / 100);
    const alert: RiskAlert = {
      challenge_id: ID,
      user_id: 'trader-1',
      alert_type: 'HIGH_DAILY_DRAWDOWN',
      severity: 'MEDIUM',
      title: 'High Daily Drawdown Warning',
      message: `Daily drawdown at ${drawdown}% (limit: 5.00%)`,
      current_equity: money(INITIAL + step),
      daily_start_equity: money(INITIAL),
      drawdown_percentage: drawdown,
      threshold_percentage: '5.00',
      alert_timestamp: moment(index),
      event_id: eventId(1_000 + index),
      epoch: 1,
      sequence: index,
    };
    return [alert];
  });
}

function entriesOf(course: readonly number[]): readonly Entry[] {
  const trades = course.slice(1).map((step, index): Entry => ({
    key: eventId(index + 1),
    kind: 'trade',
    at: moment(index + 1),
    what: SYMBOLS[(index + 1) % 3] ?? '',
    result: money(step - (course[index] ?? 0)),
    equity: money(INITIAL + step),
  }));
  const alerts = alertsOf(course).map((alert): Entry => ({
    key: alert.event_id,
    kind: 'alert',
    at: alert.alert_timestamp,
    what: `Daily loss ${alert.drawdown_percentage} % of ${alert.threshold_percentage} %`,
    result: null,
    equity: alert.current_equity,
  }));
  return [...trades, ...alerts].sort((a, b) => b.at.localeCompare(a.at) || (a.kind === 'alert' ? -1 : 1));
}

interface Sample {
  readonly shown: Shown;
  readonly session: Session;
}

function sample(name: Course, more: Partial<Shown> = {}, state: Partial<ChallengeState> = {}): Sample {
  const course: readonly number[] = COURSES[name];
  const snapshot = stateOf(course, state);
  const shown: Shown = {
    connection: { is: 'live' },
    snapshot,
    equityData: snapshot.equity,
    statusData: null,
    riskAlerts: [...alertsOf(course)].reverse(),
    isStale: false,
    asOf: '2026-11-25T14:29:59.500Z',
    error: null,
    cursor: { epoch: snapshot.epoch, sequence: snapshot.sequence },
    ...more,
  };
  const points = course.map((step, index) => ({
    sequence: index,
    atMs: START_MS + index * STEP_MS,
    equity: money(INITIAL + step),
  }));
  return { shown, session: { points, entries: entriesOf(course) } };
}

const NOTHING: Partial<Shown> = {
  snapshot: null,
  equityData: null,
  riskAlerts: [],
  asOf: null,
  cursor: null,
};
const without = (more: Partial<Shown>): Sample => ({
  shown: { ...sample('fresh').shown, ...NOTHING, ...more },
  session: { points: [], entries: [] },
});
const ended = (status: 'FAILED' | 'FUNDED', reason: StatusReason, step: number): Partial<ChallengeState> => ({
  status,
  status_reason: reason,
  closed_at: moment(step),
});

export const SAMPLES: Readonly<Record<string, Sample>> = {
  live: sample('recovered'),
  'near a limit': sample('sinking'),
  stale: sample('recovered', {
    connection: { is: 'stale', why: 'watermark_old', sinceMs: NOW_MS - 12_000 },
    isStale: true,
    asOf: '2026-11-25T14:29:38Z',
  }),
  reconnecting: sample('recovered', {
    connection: { is: 'connecting', attempt: 3, sinceMs: NOW_MS - 8_000 },
    isStale: true,
    error: { code: 'connection_lost', message: 'The connection was lost', retryable: true },
  }),
  failed: sample('failed', {}, ended('FAILED', 'DAILY_LOSS', 19)),
  funded: sample('funded', {}, { ...ended('FUNDED', 'PROFIT_TARGET', 13), target: null }),
  'token expired': sample('recovered', {
    connection: { is: 'closed', sinceMs: NOW_MS - 90_000 },
    isStale: true,
    error: { code: 'token_expired', message: 'The token has expired', retryable: false },
  }),
  empty: sample('fresh'),
  loading: without({ connection: { is: 'connecting', attempt: 0, sinceMs: NOW_MS } }),
  denied: without({
    connection: { is: 'denied', fault: { code: 'forbidden', message: 'Access denied', retryable: false } },
  }),
};
