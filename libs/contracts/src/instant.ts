/**
 * A moment as whole microseconds since 1970 in a BigInt: what PostgreSQL keeps. On every wire it is RFC 3339 in UTC. A `Date`
 * would cut it to milliseconds (pitfall P23).
 */
declare const instant: unique symbol;
export type Instant = bigint & { readonly [instant]: true };

export type InstantReading = { readonly ok: true; readonly at: Instant } | { readonly ok: false };

const shape = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(?:Z|([+-])(\d\d):(\d\d))$/;
/** What it looks like; which of these are moments, such as no 30th of February, `readInstant` says. */
export const INSTANT_PATTERN =
  '^(19[7-9]\\d|[2-9]\\d{3})-\\d\\d-\\d\\dT([01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]([01]\\d|2[0-3]):[0-5]\\d)$';
const LAST = 253_402_300_800_000_000n;
const MS = 1_000n;
const SECOND = 1_000_000n;

/** Most moments of a moment are of the same few seconds: now, a day's bounds, a challenge's beginning. */
const KEPT_SECONDS = 1_000;
const texts = new Map<number, string>();
function secondsText(seconds: number): string {
  const known = texts.get(seconds);
  if (known !== undefined) return known;
  if (texts.size === KEPT_SECONDS) texts.clear();
  const text = new Date(seconds * 1_000).toISOString().slice(0, 19);
  texts.set(seconds, text);
  return text;
}

const seconds = new Map<string, number>();
/** NaN for what does not exist: Date rolls the 30th of February over into March, and what comes back differs from what was written. */
function secondsOf(written: string): number {
  const known = seconds.get(written);
  if (known !== undefined) return known;
  if (seconds.size === KEPT_SECONDS) seconds.clear();
  const date = new Date(`${written}Z`);
  const exists = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(written);
  const read = exists ? date.getTime() / 1_000 : NaN;
  seconds.set(written, read);
  return read;
}

/**
 * Strict RFC 3339, upper-case T and Z, from 1970 to 9999. A date that does not exist, 24:00 and leap seconds are refused;
 * digits below the microsecond are cut.
 */
export function readInstant(text: unknown): InstantReading {
  const match = typeof text === 'string' ? shape.exec(text) : null;
  if (match === null) return { ok: false };
  const [, written, fraction = '', sign, offsetHour = '0', offsetMinute = '0'] = match as unknown as [
    string,
    string,
    string?,
    string?,
    string?,
    string?,
  ];
  const local = secondsOf(written);
  if (Number.isNaN(local) || Number(offsetHour) > 23 || Number(offsetMinute) > 59) return { ok: false };
  const offset = (Number(offsetHour) * 60 + Number(offsetMinute)) * 60 * (sign === '-' ? -1 : 1);
  const at = BigInt(local - offset) * SECOND + BigInt(fraction.padEnd(6, '0').slice(0, 6));
  return at >= 0n && at < LAST ? { ok: true, at: at as Instant } : { ok: false };
}

export const Instant = {
  ofMicros: (micros: bigint): Instant => micros as Instant,
  /** @throws RangeError when `text` is no instant; use `readInstant` where that is an answer and not a bug. */
  of(text: string): Instant {
    const reading = readInstant(text);
    if (!reading.ok) throw new RangeError('not an instant');
    return reading.at;
  },
  max: (a: Instant, b: Instant): Instant => (a > b ? a : b),
  plusMs: (at: Instant, ms: number): Instant => (at + BigInt(ms) * MS) as Instant,
  /** As few digits as say it: 2024-01-01T10:00:00Z, …00.123Z, …00.123456Z. */
  format(at: Instant): string {
    const seconds = Number(at / 1_000_000n);
    const micros = Number(at % 1_000_000n);
    const written = secondsText(seconds);
    if (micros === 0) return `${written}Z`;
    const digits = String(1_000_000 + micros).slice(1);
    return `${written}.${micros % 1_000 === 0 ? digits.slice(0, 3) : digits}Z`;
  },
} as const;
