import {
  ChallengeState,
  ChallengeStatusChanged,
  ChallengeUpdated,
  EquityUpdated,
  EventSkipped,
  RiskAlert,
  SOCKET_EVENT,
  Watermark,
  isEventType,
} from '@tradesense/contracts';
import { Ajv2020, type SchemaObject } from 'ajv/dist/2020.js';

const challenge_id = '0193a111-0000-7000-8000-000000000001';
const user_id = 'trader-1';
const envelope = { event_id: '0193a111-0000-7000-8000-000000000002', epoch: 1_764_081_978, sequence: 12 };
const at = '2026-11-25T14:46:18.123456Z';

const equity = {
  challenge_id,
  user_id,
  previous_equity: '10000.00',
  current_equity: '10200.00',
  max_equity_ever: '10200.00',
  daily_start_equity: '10000.00',
  daily_max_equity: '10200.00',
  daily_min_equity: '10000.00',
  total_pnl: '200.00',
  total_trades: 1,
  last_trade_at: at,
  trade_pnl: '200.00',
  trade_symbol: 'EURUSD',
  executed_at: at,
};
const alert = {
  challenge_id,
  user_id,
  alert_type: 'HIGH_DAILY_DRAWDOWN',
  severity: 'MEDIUM',
  title: 'Daily loss at 80 %',
  message: '4.50 % of 5.00 % used',
  current_equity: '9550.00',
  daily_start_equity: '10000.00',
  drawdown_percentage: '4.50',
  threshold_percentage: '5.00',
  alert_timestamp: at,
  ...envelope,
};
const state = {
  challenge_id,
  user_id,
  ...envelope,
  program: { id: 'seed', version: 1 },
  phase: 1,
  status: 'ACTIVE',
  status_reason: null,
  initial_balance: '10000.00',
  balance: '10200.00',
  created_at: at,
  closed_at: null,
  previous_challenge_id: null,
  equity,
  day: { date: '2026-11-25', starts_at: '2026-11-25T00:00:00Z', ends_at: '2026-11-26T00:00:00Z' },
  limits: [
    {
      rule: 'DAILY_LOSS',
      limit_percentage: '5.00',
      floor: '9500.00',
      room: '700.00',
      used_percentage: '0.00',
      breached: false,
    },
  ],
  target: { equity: '11000.00', progress_percentage: '20.00' },
  trading_days: { done: 1, needed: 0 },
  open_alerts: [alert],
};

type Sample = Readonly<Record<string, unknown>>;
/** [type, schema, a body that is right] */
const bodies: readonly (readonly [string, SchemaObject, Sample])[] = [
  ['EQUITY_UPDATED', EquityUpdated, { ...equity, ...envelope }],
  [
    'CHALLENGE_STATUS_CHANGED',
    ChallengeStatusChanged,
    { challenge_id, old_status: 'ACTIVE', new_status: 'FAILED', reason: 'DAILY_LOSS', changed_at: at, ...envelope },
  ],
  ['RISK_ALERT', RiskAlert, alert],
  [
    'CHALLENGE_UPDATED',
    ChallengeUpdated,
    { challenge_id, user_id, reason: 'DAY_ROLLED', state, changed_at: at, ...envelope },
  ],
  [
    'EVENT_SKIPPED',
    EventSkipped,
    { challenge_id, user_id, skipped_type: 'RISK_ALERT', reason: 'too large', skipped_at: at, ...envelope },
  ],
  ['CHALLENGE_STATE', ChallengeState, state],
];

const ajv = new Ajv2020({ allErrors: true, strict: true });
const accepts = (schema: SchemaObject, body: unknown): boolean => ajv.validate(schema, body);

describe.each(bodies)('the schema of %s', (_name, schema, body) => {
  it('is plain JSON Schema and takes a right body', () => {
    expect(ajv.validateSchema(schema)).toBe(true);
    expect(accepts(JSON.parse(JSON.stringify(schema)) as SchemaObject, body)).toBe(true);
  });

  it('takes fields that a later version adds', () => {
    expect(accepts(schema, { ...body, added_later: true })).toBe(true);
  });

  it.each(Object.keys(body))('does not do without %s', (field) => {
    const { [field]: _left, ...rest } = body;
    expect(accepts(schema, rest)).toBe(false);
  });

  it.each(Object.keys(body))('wants %s of its kind', (field) => {
    expect(accepts(schema, { ...body, [field]: { not: 'this' } })).toBe(false);
  });

  const amounts = Object.entries(body).filter(([, value]) => /^-?\d+\.\d\d$/.test(String(value)));
  it(`has ${amounts.length} amounts, each a decimal string and not a number`, () => {
    for (const [field, value] of amounts) {
      expect([field, accepts(schema, { ...body, [field]: Number(value) })]).toEqual([field, false]);
      expect([field, accepts(schema, { ...body, [field]: String(value).slice(0, -1) })]).toEqual([field, false]);
    }
  });

  it('wants a canonical challenge id', () => {
    expect(accepts(schema, { ...body, challenge_id: challenge_id.toUpperCase() })).toBe(false);
  });
});

describe('an equity update', () => {
  const schema = EquityUpdated;
  const body = { ...equity, ...envelope };

  it('leaves the trade open where a mark moved the equity', () => {
    expect(accepts(schema, { ...body, trade_pnl: null, trade_symbol: null, executed_at: null })).toBe(true);
  });

  it('counts from 1; a state may stand at 0', () => {
    expect(accepts(schema, { ...body, sequence: 0 })).toBe(false);
    expect(accepts(ChallengeState, { ...state, sequence: 0 })).toBe(true);
  });

  it('has its moments in UTC', () => {
    expect(accepts(schema, { ...body, executed_at: '2026-11-25T14:46:18+01:00' })).toBe(false);
  });
});

describe('the names of events', () => {
  it('are the socket’s names in capitals', () => {
    for (const [type, name] of Object.entries(SOCKET_EVENT)) expect(name.toUpperCase()).toBe(type);
  });

  it('are known by their own spelling only', () => {
    expect(isEventType('EQUITY_UPDATED')).toBe(true);
    for (const foreign of ['CHALLENGE_STATE', 'equity_updated', 'constructor', '__proto__', ''])
      expect(isEventType(foreign)).toBe(false);
  });
});

describe('a watermark', () => {
  const watermark = {
    at,
    as_of: at,
    floor: '12',
    generation: 3,
    parked: [],
    ends: { events: ['1', '9007199254740993'], state: ['4', '5'] },
  };

  it('says "many" where it can not name the parked challenges', () => {
    expect(accepts(Watermark, watermark)).toBe(true);
    expect(accepts(Watermark, { ...watermark, parked: 'many' })).toBe(true);
    expect(accepts(Watermark, { ...watermark, parked: 'some' })).toBe(false);
    expect(accepts(Watermark, { ...watermark, parked: Array.from({ length: 101 }, () => challenge_id) })).toBe(false);
  });

  it('has offsets as text: they may pass 2^53', () => {
    expect(accepts(Watermark, { ...watermark, floor: 12 })).toBe(false);
    expect(accepts(Watermark, { ...watermark, ends: { ...watermark.ends, events: [1] } })).toBe(false);
  });
});
