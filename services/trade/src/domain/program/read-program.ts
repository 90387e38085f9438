import { LIMIT_RULES, Money, SEVERITIES } from '@tradesense/contracts';

import { isTimeZone } from '../day/day.js';
import { Reading } from './document.js';
import {
  WHOLE,
  type AlertTier,
  type DayCounts,
  type FieldError,
  type Limit,
  type Percent,
  type Phase,
  type Program,
} from './program.js';

export type ProgramReading =
  { readonly ok: true; readonly program: Program } | { readonly ok: false; readonly errors: readonly FieldError[] };

const HUNDRED = WHOLE as Percent;
/** A target or a profit may be more than all there was: at most this many times. */
const THOUSAND_FOLD = (WHOLE * 1_000n) as Percent;
const MAX_DAYS = 60;
const CENT = Money.ofMinor(1n);

/**
 * A program's document (docs/programs.md), if it can be evaluated: every word is known, no amount leaves open what it is of, no
 * two fields contradict each other. Otherwise all faults, each with the JSON Pointer of its field.
 */
export function readProgram(document: unknown): ProgramReading {
  const errors: FieldError[] = [];
  const program = programFrom(new Reading(errors, '', document), document);
  return errors.length === 0 ? { ok: true, program } : { ok: false, errors };
}

function programFrom(reading: Reading, document: unknown): Program {
  const id = reading.text('id', /^[a-z0-9][a-z0-9-]{0,63}$/, 'must be letters a-z, digits and hyphens');
  const version = reading.whole('version', { least: 1, most: 1_000_000 });
  readProvenance(reading);
  const alertTiers = readAlerts(reading);
  const program: Program = {
    id,
    version,
    initialBalance: reading.has('initial_balance') ? reading.money('initial_balance', CENT) : null,
    timeZone: readTimeZone(reading),
    dayStartsAt: reading.text('day_starts_at', /^([01]\d|2[0-3]):[0-5]\d$/, 'must be a local time like "17:00"'),
    equityFrom: reading.word('equity_from', ['TRADES', 'MARKS']),
    dayCounts: readDayCounts(reading),
    phases: readPhases(reading),
    alertTiers,
    hysteresis: readHysteresis(reading, alertTiers),
    document,
  };
  reading.rest();
  return program;
}

/** Where it comes from: kept and shown, never evaluated. */
function readProvenance(reading: Reading): void {
  if (reading.has('name')) reading.text('name', /^.{1,100}$/, 'must be a line of text');
  if (reading.has('source')) reading.list('source', 1, notedIn(reading));
  if (reading.has('read_on')) reading.text('read_on', /^\d{4}-\d\d(-\d\d)?$/, 'must be a date like "2026-11-25"');
  if (reading.has('unverified')) reading.list('unverified', 0, notedIn(reading));
}

const notedIn =
  ({ errors }: Reading) =>
  (item: unknown, path: string): void => {
    if (typeof item !== 'string' || item === '') errors.push({ path, message: 'must be text' });
  };

function readTimeZone(reading: Reading): string {
  const zone = reading.value('time_zone');
  if (typeof zone === 'string' && isTimeZone(zone)) return zone;
  reading.fault('time_zone', 'must be a name of the time zone database, like "Europe/Prague"');
  return 'UTC';
}

function readDayCounts(reading: Reading): DayCounts {
  const value = reading.value('day_counts');
  if (typeof value !== 'object' || value === null) return reading.word('day_counts', ['OPENED', 'TRADED']);
  const profit = reading.object('day_counts');
  const profitPercent = profit.percent('profit_percent', HUNDRED);
  profit.rest();
  return { profitPercent };
}

function readAlerts(reading: Reading): readonly AlertTier[] {
  let before = 0n;
  return reading.list('alerts', 0, (item, path) => {
    const tier = new Reading(reading.errors, path, item);
    const atPercentOfLimit = tier.percent('at_percent_of_limit', HUNDRED);
    if (atPercentOfLimit <= before) tier.fault('at_percent_of_limit', 'must be above the tier before it');
    before = atPercentOfLimit;
    const severity = tier.word('severity', SEVERITIES);
    tier.rest();
    return { atPercentOfLimit, severity };
  });
}

/** At the lowest tier or above, an alert would stay open until everything is won back, or for ever. */
function readHysteresis(reading: Reading, [lowest]: readonly AlertTier[]): Percent {
  if (lowest === undefined && !reading.has('hysteresis')) return HUNDRED;
  const hysteresis = reading.percent('hysteresis', HUNDRED);
  if (lowest !== undefined && hysteresis >= lowest.atPercentOfLimit)
    reading.fault('hysteresis', 'must be below the lowest tier');
  return hysteresis;
}

function readPhases(reading: Reading): readonly Phase[] {
  const phases = reading.list('phases', 1, (item, path) => readPhase(new Reading(reading.errors, path, item)));
  for (const [index, { profitTarget }] of phases.entries())
    if (profitTarget === null && index !== phases.length - 1)
      reading.errors.push({
        path: `${reading.path}/phases/${index}/profit_target`,
        message: 'is needed: only the last phase, the funded one, has none',
      });
  if (phases.length === 1 && phases[0]?.profitTarget === null)
    reading.errors.push({
      path: `${reading.path}/phases/0/profit_target`,
      message: 'is needed: nothing could be passed',
    });
  return phases;
}

function readPhase(reading: Reading): Phase {
  const isFunded = reading.value('profit_target') === null;
  const profitTarget = isFunded ? null : reading.percent('profit_target', THOUSAND_FOLD);
  const gates = { ...readGates(reading), profitTarget };
  const isGated = gates.minTradingDays > 0 || gates.bestDayLimit !== null || gates.review;
  if (isFunded && isGated) reading.fault('profit_target', 'is needed: without one there is nothing to gate');
  const limits = reading.list('limits', 0, (item, path) => readLimit(new Reading(reading.errors, path, item)));
  for (const [index, { rule }] of limits.entries())
    if (limits.findIndex((limit) => limit.rule === rule) !== index)
      reading.errors.push({ path: `${reading.path}/limits/${index}/rule`, message: 'stands twice in this phase' });
  reading.rest();
  return { ...gates, limits };
}

const readGates = (reading: Reading) => ({
  minTradingDays: reading.has('min_trading_days') ? reading.whole('min_trading_days', { least: 0, most: MAX_DAYS }) : 0,
  bestDayLimit:
    reading.value('best_day_limit') === undefined || reading.value('best_day_limit') === null
      ? null
      : reading.percent('best_day_limit', HUNDRED),
  review: reading.has('review') ? reading.flag('review') : false,
});

function readLimit(reading: Reading): Limit {
  const limit: Limit = {
    rule: reading.word('rule', LIMIT_RULES),
    reference: readReference(reading.object('reference')),
    amount: readAmount(reading.object('amount')),
    checked: reading.word('checked', ['BALANCE', 'EQUITY']),
    breached: reading.word('breached', ['BELOW', 'AT_OR_BELOW']),
    trailing: reading.word('trailing', ['NONE', 'END_OF_DAY', 'INTRADAY']),
    locksAt: readLock(reading),
    consequence: reading.word('consequence', ['FAIL', 'LOCK_DAY']),
  };
  noteContradictions(reading, limit);
  reading.rest();
  return limit;
}

function readReference(reading: Reading): Limit['reference'] {
  const reference = {
    value: reading.word('value', ['BALANCE', 'EQUITY', 'HIGHER']),
    at: reading.word('at', ['INITIAL', 'DAY_START', 'DAY_PEAK', 'PEAK']),
  };
  reading.rest();
  return reference;
}

function readAmount(reading: Reading): Limit['amount'] {
  const amount = reading.has('fixed')
    ? { fixed: reading.money('fixed', CENT) }
    : { percent: reading.percent('percent', HUNDRED), of: reading.word('of', ['INITIAL', 'REFERENCE']) };
  reading.rest();
  return amount;
}

function readLock(reading: Reading): Money | null {
  if (reading.value('locks_at') === undefined || reading.value('locks_at') === null) return null;
  const lock = reading.object('locks_at');
  const above = lock.money('initial_plus', Money.zero);
  lock.rest();
  return above;
}

const TRAILINGS: Record<Limit['reference']['at'], readonly Limit['trailing'][]> = {
  INITIAL: ['NONE'],
  DAY_START: ['NONE'],
  DAY_PEAK: ['INTRADAY'],
  PEAK: ['END_OF_DAY', 'INTRADAY'],
};

function noteContradictions(reading: Reading, { rule, reference, trailing, locksAt, consequence }: Limit): void {
  const isOfDay = reference.at === 'DAY_START' || reference.at === 'DAY_PEAK';
  const possible = TRAILINGS[reference.at];
  if (!possible.includes(trailing))
    reading.fault('trailing', `must be ${possible.join(' or ')} with a reference at ${reference.at}`);
  if (locksAt !== null && reference.at !== 'PEAK') reading.fault('locks_at', 'is for a floor that trails the peak');
  if (rule === 'DAILY_LOSS' && !isOfDay) reading.fault('reference', 'must be of the day in a daily limit');
  if (rule === 'TOTAL_LOSS' && isOfDay) reading.fault('reference', 'must not be of the day in a total limit');
  if (rule === 'TOTAL_LOSS' && consequence === 'LOCK_DAY')
    reading.fault('consequence', 'must be FAIL in a total limit: the next day would begin with the same loss');
}
