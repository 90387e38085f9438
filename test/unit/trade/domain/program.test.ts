import { readProgram } from '../../../../services/trade/src/domain/index.js';

const limit = (facts: object = {}) => ({
  rule: 'TOTAL_LOSS',
  reference: { value: 'EQUITY', at: 'PEAK' },
  amount: { percent: '10.00', of: 'INITIAL' },
  checked: 'EQUITY',
  breached: 'BELOW',
  trailing: 'INTRADAY',
  consequence: 'FAIL',
  ...facts,
});
const daily = (facts: object = {}) =>
  limit({ rule: 'DAILY_LOSS', reference: { value: 'BALANCE', at: 'DAY_START' }, trailing: 'NONE', ...facts });
const phase = (facts: object = {}) => ({ profit_target: '10.00', limits: [limit()], ...facts });
const document = (facts: object = {}) => ({
  id: 'mine',
  version: 1,
  time_zone: 'Europe/Prague',
  day_starts_at: '00:00',
  equity_from: 'MARKS',
  day_counts: 'TRADED',
  phases: [phase()],
  alerts: [{ at_percent_of_limit: '80.00', severity: 'MEDIUM' }],
  hysteresis: '10.00',
  ...facts,
});
const withLimit = (facts: object) => document({ phases: [phase({ limits: [limit(facts)] })] });

/** Paths of the fields at fault. */
function faultsOf(program: unknown): readonly string[] {
  const reading = readProgram(program);
  return reading.ok ? [] : [...new Set(reading.errors.map(({ path }) => path))].toSorted();
}

describe('a program’s document', () => {
  it.each<[string, unknown]>([
    ['the least there can be', document({ alerts: [], hysteresis: undefined, phases: [phase({ limits: [] })] })],
    ['a funded phase', document({ phases: [phase(), { profit_target: null, limits: [daily()] }] })],
    ['a floor that locks', withLimit({ locks_at: { initial_plus: '0.00' } })],
    ['days that count by profit', document({ day_counts: { profit_percent: '0.50' } })],
    ['a daily lock', document({ phases: [phase({ limits: [daily({ consequence: 'LOCK_DAY' })] })] })],
  ])('may be: %s', (_, program) => {
    // As it comes from a file: what is undefined is not there.
    expect(faultsOf(JSON.parse(JSON.stringify(program)))).toEqual([]);
  });

  const at = (path: string): string => `/phases/0/limits/0${path}`;
  it.each<[string, unknown, readonly string[]]>([
    ['nothing', null, expect.arrayContaining(['', '/id', '/phases'])],
    ['a field that is not known', document({ leverage: 100 }), ['/leverage']],
    [
      'one deep inside',
      withLimit({ amount: { percent: '5.00', of: 'INITIAL', currency: 'EUR' } }),
      [at('/amount/currency')],
    ],
    ['a percentage of nobody knows what (C3)', withLimit({ amount: { percent: '4.50' } }), [at('/amount/of')]],
    ['a percentage and an amount', withLimit({ amount: { fixed: '1.00', percent: '5.00' } }), [at('/amount/percent')]],
    ['a percentage above 100', withLimit({ amount: { percent: '100.01', of: 'INITIAL' } }), [at('/amount/percent')]],
    ['a number for money', withLimit({ amount: { fixed: 2000 } }), [at('/amount/fixed')]],
    ['a time zone of nowhere', document({ time_zone: 'Europe/Nowhere' }), ['/time_zone']],
    ['an offset for a time zone', document({ time_zone: '+01:00' }), ['/time_zone']],
    ['a day that starts at 24:00', document({ day_starts_at: '24:00' }), ['/day_starts_at']],
    ['a word in another case', document({ equity_from: 'marks' }), ['/equity_from']],
    ['no phase', document({ phases: [] }), ['/phases']],
    [
      'a funded phase first',
      document({ phases: [phase({ profit_target: null }), phase()] }),
      ['/phases/0/profit_target'],
    ],
    ['nothing to pass', document({ phases: [phase({ profit_target: null })] }), ['/phases/0/profit_target']],
    [
      'gates where nothing is passed',
      document({ phases: [phase(), phase({ profit_target: null, review: true })] }),
      ['/phases/1/profit_target'],
    ],
    ['61 trading days', document({ phases: [phase({ min_trading_days: 61 })] }), ['/phases/0/min_trading_days']],
    ['a rule twice', document({ phases: [phase({ limits: [limit(), limit()] })] }), ['/phases/0/limits/1/rule']],
    ['a daily limit of all time', withLimit({ rule: 'DAILY_LOSS' }), [at('/reference')]],
    [
      'a total limit of the day',
      document({ phases: [phase({ limits: [daily({ rule: 'TOTAL_LOSS' })] })] }),
      [at('/reference')],
    ],
    ['a total limit that locks the day', withLimit({ consequence: 'LOCK_DAY' }), [at('/consequence')]],
    ['a peak that does not trail', withLimit({ trailing: 'NONE' }), [at('/trailing')]],
    [
      'a lock of what does not trail',
      document({ phases: [phase({ limits: [daily({ locks_at: { initial_plus: '0.00' } })] })] }),
      [at('/locks_at')],
    ],
    [
      'tiers that descend',
      document({ alerts: ['80.00', '50.00'].map((at_percent_of_limit) => ({ at_percent_of_limit, severity: 'LOW' })) }),
      ['/alerts/1/at_percent_of_limit'],
    ],
    ['alerts without hysteresis', document({ hysteresis: null }), ['/hysteresis']],
    ['a hysteresis as large as the lowest tier', document({ hysteresis: '80.00' }), ['/hysteresis']],
  ])('is refused by the path of its fault: %s', (_, program, paths) => {
    expect(faultsOf(program)).toEqual(paths);
  });

  it('names all its faults at once', () => {
    expect(
      faultsOf(
        document({
          id: 'Mine',
          version: 0,
          day_counts: 'ALWAYS',
          phases: [phase({ limits: [limit({ checked: 'X' })] })],
        }),
      ),
    ).toEqual(['/day_counts', '/id', at('/checked'), '/version'].toSorted());
  });
});
