import type { ChallengeState, EquityFields, LimitView } from '@tradesense/contracts';

import { limitNow, targetNow } from '../../../../services/dashboard/src/format/limits.js';
import { balanceNow, pictureOf, whyOutdated } from '../../../../services/dashboard/src/format/picture.js';
import { History } from '../../../support/facts.js';

const history = new History();
const NOON = Date.parse('2026-11-25T12:00:00Z');

const daily: LimitView = {
  rule: 'DAILY_LOSS',
  limit_percentage: '5.00',
  floor: '9500.00',
  room: '500.00',
  used_percentage: '0.00',
  breached: false,
};
const total: LimitView = { ...daily, rule: 'TOTAL_LOSS', limit_percentage: '10.00', floor: '9000.00', room: '1000.00' };

const BASE: EquityFields = {
  ...(history.state().body as ChallengeState).equity,
  current_equity: '10000.00',
  max_equity_ever: '10000.00',
  daily_start_equity: '10000.00',
  total_pnl: '0.00',
  total_trades: 3,
  last_trade_at: '2026-11-25T09:00:00Z',
};
const equityOf = (more: Partial<EquityFields> = {}): EquityFields => ({ ...BASE, ...more });
const stateOf = (more: Partial<ChallengeState> = {}): ChallengeState => ({
  ...(history.state().body as ChallengeState),
  epoch: 1,
  sequence: 3,
  balance: '10000.00',
  equity: BASE,
  limits: [daily, total],
  target: { equity: '11000.00', progress_percentage: '0.00' },
  ...more,
});
const cursor = (sequence: number) => ({ epoch: 1, sequence });

describe('what the page draws', () => {
  it('is nothing before the first snapshot', () => {
    expect(pictureOf({ snapshot: null, equityData: null, cursor: null }, null)).toBeNull();
  });

  it('takes floors from the later state, and equity from the stream', () => {
    const snapshot = stateOf();
    const view = stateOf({ sequence: 5, equity: equityOf({ current_equity: '10300.00' }) });
    const equityData = equityOf({ current_equity: '10200.00' });
    expect(pictureOf({ snapshot, equityData, cursor: cursor(4) }, view)).toEqual({ state: view, equity: equityData });
  });

  it('leaves a view that snapshot has overtaken, or that is another challenge`s', () => {
    const snapshot = stateOf({ sequence: 6 });
    const figures = { snapshot, equityData: snapshot.equity, cursor: cursor(6) };
    expect(pictureOf(figures, stateOf({ sequence: 5 }))?.state).toBe(snapshot);
    const foreign = stateOf({ sequence: 9, challenge_id: '00000000-0000-4000-8000-000000000000' });
    expect(pictureOf(figures, foreign)?.state).toBe(snapshot);
  });

  it('shows a day that was rolled without an event with its own start', () => {
    const snapshot = stateOf();
    const view = stateOf({ equity: equityOf({ daily_start_equity: '9800.00' }) });
    const picture = pictureOf({ snapshot, equityData: snapshot.equity, cursor: cursor(3) }, view);
    expect(picture?.equity.daily_start_equity).toBe('9800.00');
  });
});

describe('a state that no longer tells floors and days', () => {
  const picture = (equity: Partial<EquityFields>, state: Partial<ChallengeState> = {}) => ({
    state: stateOf(state),
    equity: equityOf(equity),
  });

  it('is one whose day is over', () => {
    expect(whyOutdated(picture({}), Date.parse('2026-11-26T00:00:00Z'))).toContain('day over');
    expect(whyOutdated(picture({}), Date.parse('2026-11-25T23:59:59Z'))).toBeNull();
  });

  it('is one from before a new peak, each peak anew', () => {
    const reasons = ['10000.01', '10000.02'].map((max_equity_ever) => whyOutdated(picture({ max_equity_ever }), NOON));
    expect(new Set([...reasons, null]).size).toBe(3);
  });

  it('compares peaks as amounts, not as text', () => {
    expect(whyOutdated(picture({ max_equity_ever: '9999.99' }), NOON)).toBeNull();
  });

  it('is one from before the day`s first trade', () => {
    const before = { equity: equityOf({ last_trade_at: '2026-11-24T20:00:00Z' }) };
    expect(whyOutdated(picture({ total_trades: 4 }, before), NOON)).toContain('first trade');
    expect(whyOutdated(picture({ total_trades: 4 }), NOON)).toBeNull();
    expect(whyOutdated(picture({ total_trades: 3 }, before), NOON)).toBeNull();
  });
});

describe('limits at the latest equity', () => {
  it.each([
    ['10000.00', '500.00', '0.00', false],
    ['9550.00', '50.00', '90.00', false],
    ['9500.00', '0.00', '100.00', false],
    ['9499.99', '-0.01', '100.00', true],
    ['10400.00', '900.00', '0.00', false],
  ])('daily, at %s: %s left, %s % used', (current_equity, room, usedPercentage, breached) => {
    const picture = { state: stateOf(), equity: equityOf({ current_equity }) };
    expect(limitNow(daily, picture)).toMatchObject({
      room,
      usedPercentage,
      breached,
      floor: '9500.00',
      allowed: '500.00',
    });
  });

  it('in all: measured from the highest equity', () => {
    const picture = { state: stateOf(), equity: equityOf({ current_equity: '9800.00', max_equity_ever: '10200.00' }) };
    expect(limitNow({ ...total, floor: '9180.00' }, picture)).toMatchObject({
      room: '620.00',
      allowed: '1020.00',
      usedPercentage: '39.21',
    });
  });

  it('never shows less than nothing allowed, whatever a program says', () => {
    const picture = { state: stateOf(), equity: equityOf() };
    expect(limitNow({ ...daily, floor: '10100.00' }, picture)).toMatchObject({
      usedPercentage: '0.00',
      breached: true,
    });
  });
});

describe('the way to the target', () => {
  it.each([
    ['10250.00', '750.00', '25.00'],
    ['9900.00', '1100.00', '0.00'],
    ['11050.00', '0.00', '100.00'],
  ])('at %s: %s to go, %s %', (current_equity, missing, progressPercentage) => {
    const picture = { state: stateOf(), equity: equityOf({ current_equity }) };
    expect(targetNow(picture)).toMatchObject({ missing, progressPercentage });
  });

  it('is none where the phase has none', () => {
    expect(targetNow({ state: stateOf({ target: null }), equity: equityOf() })).toBeNull();
  });
});

it('counts closed results since the state into the balance', () => {
  expect(balanceNow({ state: stateOf(), equity: equityOf({ total_pnl: '-12.34' }) })).toBe('9987.66');
});
