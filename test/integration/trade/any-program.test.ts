import { Instant, Money, type ChallengeId } from '@tradesense/contracts';
import fc from 'fast-check';

import { stateOf, type Program, type Verdict } from '../../../services/trade/src/domain/index.js';
import { deeds, programOf, Story, type Deed } from '../../support/story.js';
import { accepted, presets } from '../../support/trade-core.js';

/** What a verdict told; what happened on the way to a refusal too. */
const toldBy = (verdict: Verdict) =>
  (verdict.is === 'refused' ? verdict.meanwhile : verdict.is === 'accepted' ? verdict : undefined)?.events ?? [];

/** By its name, so that a failure says which. */
const anyPreset = fc.constantFrom(...presets.all().map(({ id }) => id));
const preset = (id: string): Program => presets.latest(id)!;

describe('any history on any preset', () => {
  it('is the same, whoever else is decided in between', () => {
    const other = '44444444-4444-7444-8444-444444444444' as ChallengeId;
    fc.assert(
      fc.property(
        anyPreset,
        anyPreset,
        deeds(40),
        deeds(40),
        fc.infiniteStream(fc.boolean()),
        (one, two, a, b, turns) => {
          const alone = [new Story(preset(one)).takeAll(a), new Story(preset(two), other).takeAll(b)];
          const stories = [new Story(preset(one)), new Story(preset(two), other)] as const;
          const left: readonly Deed[][] = [[...a], [...b]];
          const beside: [Verdict[], Verdict[]] = [[], []];
          while (left.some(({ length }) => length > 0)) {
            const turn = left[1]!.length === 0 || (left[0]!.length > 0 && turns.next().value) ? 0 : 1;
            beside[turn].push(stories[turn].take(left[turn]!.shift()!));
          }
          expect(beside).toEqual(alone);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('has nothing behind a FAILED', () => {
    let failures = 0;
    fc.assert(
      fc.property(anyPreset, deeds(60), (program, history) => {
        const story = new Story(preset(program));
        let end: unknown;
        for (const deed of history) {
          const verdict = story.take(deed);
          if (end !== undefined) {
            expect([deed.is, toldBy(verdict), verdict.is === 'accepted']).toEqual([deed.is, [], false]);
            expect(story.challenge).toBe(end);
          } else if (story.challenge.status === 'FAILED') {
            failures += 1;
            end = story.challenge;
            const types = toldBy(verdict).map(({ type }) => type);
            expect(types.at(-1)).toBe('CHALLENGE_STATUS_CHANGED');
          }
        }
      }),
      { numRuns: 200, examples: [['seed', [{ is: 'trade', cents: -60_000, pauseMs: 0 }]]] },
    );
    expect(failures).toBeGreaterThan(20);
  });
});

describe('a floor that trails the peak', () => {
  const limits = fc
    .record({
      value: fc.constantFrom('BALANCE', 'EQUITY', 'HIGHER'),
      trailing: fc.constantFrom('END_OF_DAY', 'INTRADAY'),
      amount: fc.constantFrom(
        { fixed: '900.00' },
        { percent: '10.00', of: 'INITIAL' },
        { percent: '9.99', of: 'REFERENCE' },
      ),
      breached: fc.constantFrom('BELOW', 'AT_OR_BELOW'),
      checked: fc.constantFrom('BALANCE', 'EQUITY'),
      locks_at: fc.constantFrom(undefined, { initial_plus: '0.00' }, { initial_plus: '100.00' }),
    })
    .map(({ value, locks_at, ...rest }) => ({
      rule: 'TOTAL_LOSS',
      reference: { value, at: 'PEAK' },
      consequence: 'FAIL',
      ...rest,
      ...(locks_at === undefined ? {} : { locks_at }),
    }));
  const floorOf = ({ challenge, program }: Story): bigint => Money.of(stateOf(program, challenge).limits[0]!.floor);

  it('never falls, rises, and never above its lock', () => {
    const seen = { rises: 0, locked: 0 };
    fc.assert(
      fc.property(limits, fc.constantFrom('TRADES', 'MARKS'), deeds(60), (limit, equity_from, history) => {
        const story = new Story(
          programOf({
            id: 'trailing',
            version: 1,
            time_zone: 'Europe/Prague',
            day_starts_at: '00:00',
            equity_from,
            day_counts: 'TRADED',
            phases: [{ profit_target: '1000.00', limits: [limit] }],
            alerts: [],
          }),
        );
        const lock =
          'locks_at' in limit ? 10_000_00n + Money.of((limit.locks_at as { initial_plus: string }).initial_plus) : null;
        let floor = floorOf(story);
        for (const deed of history) {
          story.take(deed);
          const next = floorOf(story);
          expect(next).toBeGreaterThanOrEqual(floor);
          if (lock !== null) expect(next).toBeLessThanOrEqual(lock);
          if (next > floor) seen.rises += 1;
          if (next === lock) seen.locked += 1;
          floor = next;
        }
      }),
      { numRuns: 300 },
    );
    expect(seen.rises).toBeGreaterThan(100);
    expect(seen.locked).toBeGreaterThan(0);
  });
});

describe('ten thousand marks around a tier', () => {
  /** Daily: 1000.00 below the day's first balance; total: 2000.00 below the initial one, so that no tier of both is near. */
  const program = programOf({
    id: 'two-tiers',
    version: 1,
    time_zone: 'UTC',
    day_starts_at: '00:00',
    equity_from: 'MARKS',
    day_counts: 'TRADED',
    phases: [
      {
        profit_target: '100.00',
        limits: [
          { rule: 'DAILY_LOSS', reference: { value: 'BALANCE', at: 'DAY_START' }, amount: { fixed: '1000.00' } },
          { rule: 'TOTAL_LOSS', reference: { value: 'BALANCE', at: 'INITIAL' }, amount: { fixed: '2000.00' } },
        ].map((limit) => ({ ...limit, checked: 'EQUITY', breached: 'BELOW', trailing: 'NONE', consequence: 'FAIL' })),
      },
    ],
    alerts: [
      { at_percent_of_limit: '40.00', severity: 'LOW' },
      { at_percent_of_limit: '80.00', severity: 'MEDIUM' },
    ],
    hysteresis: '10.00',
  });
  const MARKS = 10_000;
  /** Losses on both sides of 80 % of the daily limit, which is 40 % of the total one; none is back at 70 %, none a breach. */
  const losses = fc.array(fc.integer({ min: 700_01, max: 1_000_00 }), { minLength: MARKS, maxLength: MARKS });

  const DAYS = ['2026-03-02', '2026-03-03', '2026-03-04', '2026-03-05'];

  /** How often each alert of these verdicts was told, by its day, rule and severity. */
  function alertsIn(verdicts: readonly Verdict[]): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { type, body } of verdicts.flatMap(toldBy)) {
      if (type !== 'RISK_ALERT') continue;
      const { alert_type, severity, alert_timestamp } = body;
      const name = `${alert_timestamp.slice(0, 10)} ${alert_type} ${severity}`;
      counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  it('are one alert of each rule, tier and day; one more behind a recovery past the hysteresis', () => {
    fc.assert(
      fc.property(losses, (walk) => {
        const story = new Story(program);
        const marked = (loss: number, pauseMs = 15): Verdict => story.take({ is: 'mark', cents: -loss, pauseMs });
        const perDay = MARKS / DAYS.length;
        // Over both tiers at once, also at each midnight: the lower one stays silent.
        const verdicts = DAYS.flatMap((_, day) => [
          marked(900_00, day === 0 ? 0 : 86_000_000),
          ...walk.slice(day * perDay, (day + 1) * perDay).map((loss) => marked(loss)),
          marked(900_00),
        ]);
        const daily = (day: string) => `${day} HIGH_DAILY_DRAWDOWN MEDIUM`;
        expect(alertsIn(verdicts)).toEqual({
          ...Object.fromEntries(DAYS.map((day) => [daily(day), 1])),
          [`${DAYS[0]} HIGH_TOTAL_DRAWDOWN LOW`]: 1,
        });
        expect(alertsIn([marked(700_00), marked(900_00)])).toEqual({}); // 70 % is not past the hysteresis
        expect(alertsIn([marked(699_99), ...walk.map((loss) => marked(loss, 1))])).toEqual({ [daily(DAYS[3]!)]: 1 });
      }),
      { numRuns: 3, endOnFailure: true }, // ten thousand marks would be shrunk for ever
    );
  });
});

describe('ten years of days', () => {
  const ZONES = [
    'UTC',
    'Europe/Prague',
    'America/New_York',
    'America/Havana',
    'America/Santiago',
    'America/St_Johns',
    'Africa/Cairo',
    'Asia/Kathmandu',
    'Asia/Tehran',
    'Australia/Lord_Howe',
    'Pacific/Apia',
    'Pacific/Chatham',
  ];
  const FROM = Date.UTC(2007, 5, 1);
  const TO = Date.UTC(2017, 5, 1);
  const HOUR_MS = 3_600_000;

  /** The date that a clock on the wall shows. */
  function wallIn(timeZone: string): (ms: number) => string {
    const wall = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
    return (ms) => wall.format(ms);
  }
  /** All it shows in these years, looked at every eight hours. */
  function datesIn(timeZone: string): readonly string[] {
    const dateAt = wallIn(timeZone);
    const dates = new Set<string>();
    for (let ms = FROM; ms < TO + 24 * HOUR_MS; ms += 8 * HOUR_MS) dates.add(dateAt(ms));
    return [...dates];
  }

  const programIn = (time_zone: string): Program =>
    programOf({
      id: 'years',
      version: 1,
      initial_balance: '10000.00',
      time_zone,
      day_starts_at: '00:00',
      equity_from: 'TRADES',
      day_counts: 'TRADED',
      phases: [{ profit_target: '10.00', limits: [] }],
      alerts: [],
    });

  it.each(ZONES)('in %s: each local date is rolled to once, in the moment it begins', (zone) => {
    const dateAt = wallIn(zone);
    const story = new Story(programIn(zone), undefined, Instant.of(new Date(FROM).toISOString()));
    const rolled = [story.challenge.day];
    for (let ms = FROM; ms < TO; ms += 5 * HOUR_MS) {
      const verdict = story.take({ is: 'roll', cents: 0, pauseMs: ms === FROM ? 0 : 5 * HOUR_MS });
      if (verdict.is === 'unchanged') continue;
      expect(accepted(verdict).events.map(({ type }) => type)).toEqual(['CHALLENGE_UPDATED']);
      rolled.push(story.challenge.day);
    }
    const dates = rolled.map(({ date }) => date);
    expect(dates).toEqual(datesIn(zone).slice(0, dates.length));
    expect(dates.length).toBeGreaterThan(3_650);
    const wrong = rolled.filter(({ date, startsAt }) => {
      const ms = Number(startsAt / 1_000n);
      return dateAt(ms) !== date || dateAt(ms - 1) === date;
    });
    expect(wrong).toEqual([]);
    expect(rolled.slice(1).map(({ startsAt }) => startsAt)).toEqual(rolled.slice(0, -1).map(({ endsAt }) => endsAt));
  });

  it('have no 30th of December 2011 in Apia', () => {
    const dates = datesIn('Pacific/Apia').filter((date) => date.startsWith('2011-12'));
    expect(dates.slice(-2)).toEqual(['2011-12-29', '2011-12-31']);
  });
});
