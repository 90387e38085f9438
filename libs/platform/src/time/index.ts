import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

/** Time comes from outside, so that a test can hold it. */
export interface Clock {
  /** Wall clock, milliseconds since 1970; for display and events only. It may step. */
  now(): number;
  /** Milliseconds on a clock that never steps; for leases, windows, latencies. */
  monotonicMs(): number;
  /** Resolves after `ms` (at most 24.8 days), or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A longer delay would not fit Node's timers, which then take 1 ms (pitfall T3). */
const LONGEST_DELAY_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    delay(Math.min(Math.max(ms, 0), LONGEST_DELAY_MS), undefined, signal === undefined ? {} : { signal }).catch(
      () => undefined,
    ),
};

export interface Random {
  /** Uniform in [0, limit). */
  below(limit: number): number;
}
export const systemRandom: Random = { below: (limit) => Math.random() * limit };

export interface Bounds {
  readonly minMs: number;
  readonly maxMs: number;
}

/** Delay of the n-th attempt (from 0): anywhere between 0 and a ceiling that doubles up to `maxMs`. */
export const fullJitter =
  (random: Random, { minMs, maxMs }: Bounds) =>
  (attempt: number): number =>
    random.below(Math.min(maxMs, minMs * 2 ** Math.min(attempt, 30)));
