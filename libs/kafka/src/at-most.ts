import { systemClock } from '@tradesense/platform';

/** Waits for an end, but not longer than so many milliseconds: for orderly ends that must not hold up a stop. */
export async function atMost(ms: number, ended: Promise<unknown>): Promise<void> {
  const settled = new AbortController();
  try {
    await Promise.race([ended, systemClock.sleep(ms, settled.signal)]);
  } finally {
    settled.abort();
  }
}
