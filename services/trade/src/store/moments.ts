import { Instant } from '@tradesense/contracts';

/** A timestamptz as microseconds since 1970, in text: exact, and the same in every time zone (pitfall P23). */
export const micros = (expression: string, name: string): string =>
  `(extract(epoch from ${expression}) * 1000000)::bigint::text as ${name}`;

/** As PostgreSQL reads it. */
export const momentText = (at: Instant | null): string | null => (at === null ? null : Instant.format(at));
