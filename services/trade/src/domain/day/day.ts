import { Instant } from '@tradesense/contracts';
import { Temporal } from 'temporal-polyfill';

/**
 * Trading days: the one place that knows where a day begins. A local day has not always 24 hours (Prague 23 and 25), its
 * midnight may be missing (Cairo) or come twice (Havana: the first counts), its date may not exist at all (Apia
 * 2011-12-30). So a boundary is computed from a local date, never by adding hours, and a day keeps its instants (M4-M6).
 */
export interface Day {
  /** Local date on which it starts. */
  readonly date: string;
  readonly startsAt: Instant;
  /** Exclusive: the next day's start. */
  readonly endsAt: Instant;
}

/** Where a program's days begin. */
export interface DayRule {
  readonly timeZone: string;
  /** Local time, "00:00". */
  readonly dayStartsAt: string;
}

const NANOS = 1_000n;

/** First instant of the day that starts on `date`: the later side of a gap, the earlier of two. */
const boundaryOf = ({ timeZone, dayStartsAt }: DayRule, date: Temporal.PlainDate): Instant =>
  Instant.ofMicros(date.toZonedDateTime({ timeZone, plainTime: dayStartsAt }).epochNanoseconds / NANOS);

/** The day that starts on `date`, or on the next date whose day is not empty. */
function dayFrom(rule: DayRule, date: Temporal.PlainDate): Day {
  const next = date.add({ days: 1 });
  const startsAt = boundaryOf(rule, date);
  const endsAt = boundaryOf(rule, next);
  return startsAt < endsAt ? { date: date.toString(), startsAt, endsAt } : dayFrom(rule, next);
}

export const dayAfter = (rule: DayRule, { date }: Day): Day =>
  dayFrom(rule, Temporal.PlainDate.from(date).add({ days: 1 }));

export function dayOf(rule: DayRule, at: Instant): Day {
  const local = Temporal.Instant.fromEpochNanoseconds(at * NANOS).toZonedDateTimeISO(rule.timeZone);
  const today = dayFrom(rule, local.toPlainDate());
  if (at >= today.endsAt) return dayAfter(rule, today);
  return at >= today.startsAt ? today : dayFrom(rule, local.toPlainDate().subtract({ days: 1 }));
}

/** A name of the time zone database. */
export function isTimeZone(name: string): boolean {
  try {
    Temporal.Instant.fromEpochNanoseconds(0n).toZonedDateTimeISO(name);
    return !/^[+-]/.test(name);
  } catch {
    return false;
  }
}
