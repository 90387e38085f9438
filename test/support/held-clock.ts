import type { Clock } from '@tradesense/platform';

/** A clock that stands still until the test moves it; who sleeps on it wakes when it has come that far. */
export class HeldClock implements Clock {
  readonly #sleepers = new Set<{ readonly untilMs: number; readonly wake: () => void }>();
  #ms = 0;

  /** Wall clock and monotonic clock are the same here, from a start in 2026. */
  now(): number {
    return Date.UTC(2026, 10, 25) + this.#ms;
  }

  monotonicMs(): number {
    return this.#ms;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const sleeper = {
        untilMs: this.#ms + ms,
        wake: () => {
          this.#sleepers.delete(sleeper);
          signal?.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener('abort', sleeper.wake, { once: true });
    });
  }

  /** Moves on step by step, so that who sleeps again in between is woken in its time too. */
  async advance(ms: number): Promise<void> {
    const end = this.#ms + ms;
    await settled();
    for (;;) {
      const next = Math.min(...[...this.#sleepers].map(({ untilMs }) => untilMs));
      if (next > end) break;
      this.#ms = Math.max(this.#ms, next);
      for (const { untilMs, wake } of [...this.#sleepers]) if (untilMs <= this.#ms) wake();
      await settled();
    }
    this.#ms = end;
  }
}

/** After everything that is only waiting for promises has gone as far as it can. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
