import { systemClock, type Clock } from '@tradesense/platform';

/** Waits for an end, but not longer than so many milliseconds: for orderly ends that must not hold up a stop. */
export async function atMost(ms: number, ended: Promise<unknown>): Promise<void> {
  const settled = new AbortController();
  try {
    await Promise.race([ended, systemClock.sleep(ms, settled.signal)]);
  } finally {
    settled.abort();
  }
}

export interface Patience {
  readonly ms: number;
  readonly clock?: Clock;
  /** The caller's, who may lose patience earlier. */
  readonly signal?: AbortSignal | undefined;
}

/** What the work gives, or `late()` thrown when patience ends first. The work can't be stopped: its end then interests nobody. */
export async function inTime<T>(work: Promise<T>, { ms, clock = systemClock, signal }: Patience, late: () => Error) {
  const settled = new AbortController();
  const settle = (): void => settled.abort();
  // Not AbortSignal.any: Node.js 20 keeps a trace of each result on a caller's signal that lives long (33 bytes, measured).
  signal?.addEventListener('abort', settle, { once: true });
  if (signal?.aborted === true) settle();
  const givenUp = async (): Promise<never> => {
    await clock.sleep(ms, settled.signal);
    throw late();
  };
  try {
    return await Promise.race([work, givenUp()]);
  } finally {
    settle();
    signal?.removeEventListener('abort', settle);
    work.catch(() => undefined);
  }
}
