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

/** Nothing may keep sockets, timers and pings waiting for longer. */
const SLICE_MS = 5;

/**
 * Does this to each item, in slices of 5 ms with a turn of the event loop between them. The first slice is done at once. A Map
 * or Set may change meanwhile: what is deleted is left out, what is added comes at the end.
 */
export async function inSlices<Item>(
  items: Iterable<Item>,
  act: (item: Item) => void,
  clock: Pick<Clock, 'monotonicMs'> = systemClock,
): Promise<void> {
  let beganMs = clock.monotonicMs();
  for (const item of items) {
    act(item);
    if (clock.monotonicMs() - beganMs < SLICE_MS) continue;
    await turn();
    beganMs = clock.monotonicMs();
  }
}

/** Resolves after whatever waits for its turn of the event loop had it. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
