import { accepted, CHALLENGE, EPOCH, given, NOON, state, typesOf, when } from '../../../support/trade-core.js';

const ended = (challenge: ReturnType<typeof given.challenge>) => [challenge.status, challenge.statusReason];

describe('a new challenge on the seed program', () => {
  it('starts with 10000.00 unless it says otherwise, at sequence 0 and without an event', () => {
    const { challenge, events } = accepted(when.isOpened(null));
    expect(events).toEqual([]);
    expect(state(challenge)).toMatchObject({
      challenge_id: CHALLENGE,
      epoch: EPOCH,
      sequence: 0,
      status: 'ACTIVE',
      status_reason: null,
      initial_balance: '10000.00',
      balance: '10000.00',
      equity: { current_equity: '10000.00', total_pnl: '0.00', total_trades: 0, trade_pnl: null, executed_at: null },
      day: { date: '2026-03-02', starts_at: '2026-03-02T00:00:00Z', ends_at: '2026-03-03T00:00:00Z' },
      limits: [
        { rule: 'DAILY_LOSS', limit_percentage: '5.00', floor: '9500.00', room: '500.00', used_percentage: '0.00' },
        { rule: 'TOTAL_LOSS', limit_percentage: '10.00', floor: '9000.00', room: '1000.00', used_percentage: '0.00' },
      ],
      target: { equity: '11000.00', progress_percentage: '0.00' },
      open_alerts: [],
    });
  });

  it.each(['0.00', '-1.00', '999999999999.99'])('refuses an initial balance of %s', (initial) => {
    expect(when.isOpened(initial)).toMatchObject({
      is: 'refused',
      refusal: { code: 'rule-violation', path: '/initial_balance' },
    });
  });
});

describe('a trade', () => {
  it('moves equity and says so with exactly the seed’s fields', () => {
    const told = accepted(
      when.tradeIsPosted(given.challenge(), { pnl: '200.00', at: NOON, executedAt: '2026-03-02T11:59:58Z' }),
    );
    expect(told.events).toEqual([
      {
        type: 'EQUITY_UPDATED',
        userId: 'trader-1',
        body: {
          challenge_id: CHALLENGE,
          user_id: 'trader-1',
          previous_equity: '10000.00',
          current_equity: '10200.00',
          max_equity_ever: '10200.00',
          daily_start_equity: '10000.00',
          daily_max_equity: '10200.00',
          daily_min_equity: '10000.00',
          total_pnl: '200.00',
          total_trades: 1,
          last_trade_at: '2026-03-02T11:59:58Z',
          trade_pnl: '200.00',
          trade_symbol: 'EURUSD',
          executed_at: '2026-03-02T11:59:58Z',
          event_id: expect.any(String),
          epoch: EPOCH,
          sequence: 1,
        },
      },
    ]);
  });

  it('may say that it was executed 5 s ahead of the database’s clock, and not a microsecond more', () => {
    const executed = (executedAt: string) =>
      when.tradeIsPosted(given.challenge(), { pnl: '1.00', at: NOON, executedAt });
    expect(executed('2026-03-02T12:00:05Z').is).toBe('accepted');
    expect(executed('2026-03-02T12:00:05.000001Z')).toMatchObject({
      is: 'refused',
      refusal: { code: 'rule-violation', path: '/executed_at' },
    });
  });

  it('is refused when a sum would have more than 12 digits', () => {
    const rich = given.challenge({ initial: '900000000000.00' });
    expect(when.tradeIsPosted(rich, { pnl: '99999999999.99' }).is).toBe('accepted');
    expect(when.tradeIsPosted(rich, { pnl: '100000000000.00' })).toMatchObject({
      is: 'refused',
      refusal: { code: 'rule-violation', path: '/realized_pnl' },
    });
    expect(when.tradeIsPosted(given.challenge(), { pnl: '-999999999999.99' }).is).toBe('accepted');
  });

  it('never has an earlier time than the command before it, though the clock went back', () => {
    const later = given.challenge({ after: [['1.00', '2026-03-03T00:00:01Z']] });
    const { challenge } = when.trades(later, '1.00', '2026-03-02T23:59:00Z');
    expect(challenge.day.date).toBe('2026-03-03');
    expect(challenge.lastCommandAt).toBe(later.lastCommandAt);
  });
});

describe('the daily limit', () => {
  it.each([
    ['one cent above it', '-499.99', 'ACTIVE', '9500.01', '99.99'],
    ['exactly at it', '-500.00', 'ACTIVE', '9500.00', '100.00'],
    ['one cent below it', '-500.01', 'FAILED', '9499.99', '100.01'],
  ])('%s', (_, pnl, status, equity, used) => {
    const { challenge } = when.trades(given.challenge(), pnl);
    expect(state(challenge)).toMatchObject({
      status,
      status_reason: status === 'FAILED' ? 'DAILY_LOSS' : null,
      equity: { current_equity: equity },
      limits: [{ floor: '9500.00', used_percentage: used, breached: status === 'FAILED' }, { breached: false }],
    });
  });

  it('counts from the day’s start, not from the initial balance', () => {
    const grown = given.challenge({ after: ['900.00', ['-1.00', '2026-03-03T08:00:00Z']] });
    expect(state(grown).limits[0]).toMatchObject({ floor: '10355.00' });
    expect(when.trades(grown, '-544.00', '2026-03-03T09:00:00Z').challenge.status).toBe('ACTIVE');
    expect(when.trades(grown, '-544.01', '2026-03-03T09:00:00Z').challenge.status).toBe('FAILED');
  });

  it('is exact where five percent is no whole cent', () => {
    const small = given.challenge({ initial: '33.33' });
    expect(state(small).limits[0]).toMatchObject({ floor: '31.67', room: '1.66' });
    expect(when.trades(small, '-1.66').challenge.status).toBe('ACTIVE');
    expect(when.trades(small, '-1.67').challenge.status).toBe('FAILED');
  });

  it('tells the loss first, then the end, and no alert', () => {
    const told = when.trades(given.challenge(), '-600.00');
    expect(typesOf(told)).toEqual(['EQUITY_UPDATED', 'CHALLENGE_STATUS_CHANGED']);
    expect(told.events[1]?.body).toMatchObject({
      challenge_id: CHALLENGE,
      old_status: 'ACTIVE',
      new_status: 'FAILED',
      reason: 'DAILY_LOSS',
      changed_at: NOON,
      sequence: 2,
    });
  });
});

describe('the total limit', () => {
  /** Peak 10900.00, floor 9810.00; down to 9840.00 by days that each stay above their own floor. */
  const falling = () =>
    given.challenge({
      after: [
        '900.00',
        ['-540.00', '2026-03-03T08:00:00Z'],
        ['-510.00', '2026-03-04T08:00:00Z'],
        ['-10.00', '2026-03-05T08:00:00Z'],
      ],
    });

  it('counts from the highest equity ever, over days', () => {
    expect(state(falling()).limits[1]).toMatchObject({ floor: '9810.00', room: '30.00', breached: false });
    expect(when.trades(falling(), '-30.00', '2026-03-05T09:00:00Z').challenge.status).toBe('ACTIVE');
    expect(ended(when.trades(falling(), '-30.01', '2026-03-05T09:00:00Z').challenge)).toEqual(['FAILED', 'TOTAL_LOSS']);
  });
});

describe('the target', () => {
  it('passes at ten percent of the initial balance, and not a cent before', () => {
    expect(state(when.trades(given.challenge(), '999.99').challenge)).toMatchObject({
      status: 'ACTIVE',
      target: { progress_percentage: '99.99' },
    });
    const told = when.trades(given.challenge(), '1000.00');
    expect(typesOf(told)).toEqual(['EQUITY_UPDATED', 'CHALLENGE_STATUS_CHANGED']);
    expect(state(told.challenge)).toMatchObject({
      status: 'FUNDED',
      status_reason: 'PROFIT_TARGET',
      closed_at: NOON,
      target: { equity: '11000.00', progress_percentage: '100.00' },
    });
  });

  it('is rounded up where ten percent is no whole cent', () => {
    const odd = given.challenge({ initial: '100.01' });
    expect(state(odd).target).toMatchObject({ equity: '110.02' });
    expect(when.trades(odd, '10.00').challenge.status).toBe('ACTIVE');
    expect(when.trades(odd, '10.01').challenge.status).toBe('FUNDED');
  });
});

describe('a challenge that has ended', () => {
  it.each([
    ['FAILED', '-600.00'],
    ['FUNDED', '1000.00'],
  ])('%s takes nothing more, and keeps its last day', (status, pnl) => {
    const { challenge } = when.trades(given.challenge(), pnl);
    expect(challenge.status).toBe(status);
    expect(when.tradeIsPosted(challenge, { pnl: '5000.00' })).toEqual({
      is: 'refused',
      refusal: { code: 'challenge-closed' },
    });
    expect(when.isViewed(challenge, '2026-04-01T00:00:00Z').day.date).toBe('2026-03-02');
  });
});

describe('an alert', () => {
  it('comes with the seed’s own figures: day start 10000, equity 9550', () => {
    const told = when.trades(given.challenge(), '-450.00');
    expect(typesOf(told)).toEqual(['EQUITY_UPDATED', 'RISK_ALERT']);
    const alert = {
      challenge_id: CHALLENGE,
      user_id: 'trader-1',
      alert_type: 'HIGH_DAILY_DRAWDOWN',
      severity: 'MEDIUM',
      title: 'High Daily Drawdown Warning',
      message: 'Daily drawdown at 4.50% (limit: 5.00%)',
      current_equity: '9550.00',
      daily_start_equity: '10000.00',
      drawdown_percentage: '4.50',
      threshold_percentage: '5.00',
      alert_timestamp: NOON,
      event_id: expect.any(String),
      epoch: EPOCH,
      sequence: 2,
    };
    expect(told.events[1]?.body).toEqual(alert);
    expect(state(told.challenge).open_alerts).toEqual([alert]);
  });

  it('fires at 80 % of the limit, and not a cent before', () => {
    expect(typesOf(when.trades(given.challenge(), '-399.99'))).toEqual(['EQUITY_UPDATED']);
    expect(typesOf(when.trades(given.challenge(), '-400.00'))).toEqual(['EQUITY_UPDATED', 'RISK_ALERT']);
  });

  it('is silent until equity has recovered past the hysteresis', () => {
    const warned = given.challenge({ after: ['-410.00'] });
    expect(typesOf(when.trades(warned, '-10.00'))).toEqual(['EQUITY_UPDATED']);
    const almost = when.trades(warned, '60.00').challenge; // 350.00 lost: 70 % of the limit
    expect(state(almost).open_alerts).toHaveLength(1);
    expect(typesOf(when.trades(almost, '-60.00'))).toEqual(['EQUITY_UPDATED']);
    const recovered = when.trades(warned, '60.01').challenge;
    expect(state(recovered).open_alerts).toEqual([]);
    expect(typesOf(when.trades(recovered, '-60.01'))).toEqual(['EQUITY_UPDATED', 'RISK_ALERT']);
  });

  it('of the daily limit is armed again by the day roll', () => {
    const warned = given.challenge({ after: ['-410.00'] });
    expect(when.isViewed(warned, '2026-03-03T00:00:00Z').open_alerts).toEqual([]);
    const told = when.trades(warned, '-385.00', '2026-03-03T01:00:00Z');
    expect(typesOf(told)).toEqual(['CHALLENGE_UPDATED', 'EQUITY_UPDATED', 'RISK_ALERT']);
  });

  it('of the total limit stays open over the day roll, and says the total’s figures', () => {
    const day = (date: number) => `2026-03-0${date}T08:00:00Z`;
    const challenge = given.challenge({
      after: [
        ['-390.00', day(3)],
        ['-390.00', day(4)],
      ],
    });
    const told = when.trades(challenge, '-100.00', day(5));
    expect(told.events.at(-1)).toMatchObject({
      type: 'RISK_ALERT',
      body: {
        alert_type: 'HIGH_TOTAL_DRAWDOWN',
        title: 'High Total Drawdown Warning',
        message: 'Total drawdown at 8.80% (limit: 10.00%)',
        threshold_percentage: '10.00',
      },
    });
    expect(when.isViewed(told.challenge, day(6)).open_alerts).toHaveLength(1);
  });
});

describe('the day roll', () => {
  it('happens at midnight UTC: a trade at the boundary counts for the new day only', () => {
    const evening = given.challenge({ after: [['-100.00', '2026-03-02T23:59:59.999999Z']] });
    expect(evening.day.date).toBe('2026-03-02');
    const told = when.trades(evening, '-200.00', '2026-03-03T00:00:00Z');
    expect(typesOf(told)).toEqual(['CHALLENGE_UPDATED', 'EQUITY_UPDATED']);
    expect(state(told.challenge).equity).toMatchObject({
      daily_start_equity: '9900.00',
      daily_max_equity: '9900.00',
      daily_min_equity: '9700.00',
    });
    expect(state(told.challenge).trading_days.done).toBe(2);
  });

  it('is told before the trade, with the state as the new day found it', () => {
    const evening = given.challenge({ after: ['-100.00'] });
    const [rolled, traded] = when.trades(evening, '-200.00', '2026-03-03T00:00:00Z').events;
    expect(rolled).toMatchObject({
      type: 'CHALLENGE_UPDATED',
      body: {
        reason: 'DAY_ROLLED',
        sequence: 2,
        changed_at: '2026-03-03T00:00:00Z',
        state: {
          sequence: 2,
          day: { date: '2026-03-03' },
          equity: { current_equity: '9900.00', daily_start_equity: '9900.00' },
          limits: [{ floor: '9405.00' }, {}],
        },
      },
    });
    expect(traded).toMatchObject({ type: 'EQUITY_UPDATED', body: { sequence: 3, previous_equity: '9900.00' } });
  });

  it('is told once for several quiet days', () => {
    const told = when.trades(given.challenge(), '1.00', '2026-03-09T10:00:00Z');
    expect(typesOf(told)).toEqual(['CHALLENGE_UPDATED', 'EQUITY_UPDATED']);
    expect(told.challenge.day.date).toBe('2026-03-09');
  });

  it('shows in a view without being written', () => {
    const evening = given.challenge({ after: ['-100.00'] });
    expect(when.isViewed(evening, '2026-03-02T23:59:59.999999Z').limits[0]).toMatchObject({ floor: '9500.00' });
    expect(when.isViewed(evening, '2026-03-03T00:00:00Z')).toMatchObject({
      sequence: 1,
      day: { date: '2026-03-03' },
      equity: { daily_start_equity: '9900.00' },
      limits: [{ floor: '9405.00', used_percentage: '0.00' }, {}],
    });
  });
});
