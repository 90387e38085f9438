import type { Environment } from '../environment.js';

/** Ceilings double from 1 s to 30 s: ten thousand pages that lose one gateway must not come back in one second (pitfall R8). */
const FIRST_CEILING_MS = 1_000;
const LAST_CEILING_MS = 30_000;
/** A hint is obeyed, but not one that would leave a page for dead. */
const LONGEST_HINT_MS = 300_000;
const HINT_SPREAD_MS = 1_000;

/** Delay of the n-th attempt (from 0): anywhere between 0 and a ceiling that doubles. */
export const fullJitterMs = (environment: Environment, attempt: number): number =>
  environment.random() * Math.min(LAST_CEILING_MS, FIRST_CEILING_MS * 2 ** Math.min(attempt, 10));

/** Never before the hint, and not all at the hint. */
export function hintedMs(environment: Environment, hintMs: number): number {
  const boundedMs = Math.min(Math.max(hintMs, 0), LONGEST_HINT_MS);
  return boundedMs + environment.random() * Math.min(boundedMs, HINT_SPREAD_MS);
}
