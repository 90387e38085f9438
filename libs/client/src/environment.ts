/**
 * Time, chance and the page's life come from outside, so that a test can hold them. The default works in a browser and in
 * Node alike: nothing of the DOM is touched at import, and where there is none there is nothing to wake up from.
 */
export type Cancel = () => void;

/** `restored`: the page came back from the back/forward cache, so its sockets are dead whatever they say. */
export type Wake = 'shown' | 'online' | 'restored';

export interface Environment {
  /** Wall clock, milliseconds since 1970: for what people read, and to notice a sleep. */
  now(): number;
  /** Milliseconds on a clock that never steps; it may stand still while the machine sleeps. */
  monotonicMs(): number;
  /** Runs once after `ms`, unless cancelled. */
  after(ms: number, run: () => void): Cancel;
  /** Uniform in [0, 1). */
  random(): number;
  onWake(listener: (wake: Wake) => void): Cancel;
}

export const systemEnvironment: Environment = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
  onWake(listener) {
    if (typeof window === 'undefined' || typeof document === 'undefined') return () => undefined;
    const listening = new AbortController();
    const { signal } = listening;
    const onVisibility = (): void => {
      if (document.visibilityState === 'visible') listener('shown');
    };
    document.addEventListener('visibilitychange', onVisibility, { signal });
    document.addEventListener('resume', () => listener('shown'), { signal });
    window.addEventListener('pageshow', ({ persisted }) => listener(persisted ? 'restored' : 'shown'), { signal });
    window.addEventListener('online', () => listener('online'), { signal });
    return () => listening.abort();
  },
};
