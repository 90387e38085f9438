import { Fault } from '../fault.js';
import type { Logger } from '../logging/index.js';
import type { Metrics } from '../metrics/index.js';
import type { Clock } from '../time/index.js';

/** Closed: calls go through. Open: none does. Half open: one does, as a trial. */
export type BreakerState = 'closed' | 'open' | 'half_open';

export interface BreakerOptions {
  /** So many failures in a row open it. */
  readonly failures: number;
  /** From then on it is tried again after so long. */
  readonly openMs: number;
  readonly clock: Clock;
  /** With what the last call failed with, when it opens. */
  readonly changed?: (state: BreakerState, error?: unknown) => void;
}

/** The call was not made. */
export class BreakerOpen extends Fault {
  constructor() {
    super('breaker-open', 'wait', 'not called: it failed too often, and is tried again later');
  }
}

/**
 * Keeps callers from waiting for something that is away, each for its whole time-out: what failed several times in a row is
 * refused at once, and tried by one caller after a while. What that one sees decides for all.
 */
export class Breaker {
  #state: BreakerState = 'closed';
  #failures = 0;
  #openedAtMs = 0;

  constructor(private readonly options: BreakerOptions) {}

  get state(): BreakerState {
    return this.#state;
  }

  /** @throws BreakerOpen, or what the call throws */
  async run<Value>(call: () => Promise<Value>): Promise<Value> {
    const isTrial = this.#state !== 'closed';
    if (isTrial && !this.#isTimeToTry) throw new BreakerOpen();
    if (isTrial) this.#turn('half_open');
    try {
      const value = await call();
      if (isTrial || this.#state === 'closed') this.#succeeded();
      return value;
    } catch (error) {
      if (isTrial || this.#state === 'closed') this.#failed(error);
      throw error;
    }
  }

  get #isTimeToTry(): boolean {
    const { clock, openMs } = this.options;
    return this.#state === 'open' && clock.monotonicMs() - this.#openedAtMs >= openMs;
  }

  #succeeded(): void {
    this.#failures = 0;
    this.#turn('closed');
  }

  #failed(error: unknown): void {
    this.#failures += 1;
    if (this.#state === 'closed' && this.#failures < this.options.failures) return;
    this.#openedAtMs = this.options.clock.monotonicMs();
    this.#turn('open', error);
  }

  #turn(state: BreakerState, error?: unknown): void {
    if (state === this.#state) return;
    this.#state = state;
    this.options.changed?.(state, error);
  }
}

/** Makes what a breaker's changes are told: a gauge, and a log line when it opens and when it has closed. */
export function breakerReports(
  metrics: Metrics,
  log: Logger,
): (dependency: string) => (state: BreakerState, error?: unknown) => void {
  const gauge = metrics.gauge({
    name: 'breaker_open',
    help: 'Whether something that we depend on failed too often to be called. Half open counts as open.',
    labels: ['dependency'],
  });
  return (dependency) => {
    let isOpen = false;
    gauge.set({ dependency }, 0);
    return (state, err) => {
      if (isOpen === (state !== 'closed')) return; // a trial, or its failure
      isOpen = !isOpen;
      gauge.set({ dependency }, isOpen ? 1 : 0);
      if (isOpen) log.warn({ dependency, err }, 'a breaker has opened');
      else log.info({ dependency }, 'a breaker has closed');
    };
  };
}
