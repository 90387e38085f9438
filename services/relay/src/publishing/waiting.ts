import { faultOf, type Clock, type Logger } from '@tradesense/platform';

import type { Row } from '../reading/index.js';

/** What waits for Kafka's acknowledgement, and why it still does. */
export interface Outstanding {
  readonly sinceMs: number;
  readonly oldest: Row;
  readonly fault?: string;
}

/** Rows on their way to Kafka, over all attempts, and what is said about them: once per outage, not per attempt. */
export class Waiting {
  #outstanding: Outstanding | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly log: Logger,
    private readonly failed: (code: string) => void,
  ) {}

  get outstanding(): Outstanding | undefined {
    return this.#outstanding;
  }

  /** Rejects as the work does; a record that is refused is its giver's matter and nothing to wait for. */
  async for<T>(oldest: Row, work: () => Promise<T>): Promise<T> {
    const outstanding = { sinceMs: this.clock.monotonicMs(), ...this.#outstanding, oldest };
    this.#outstanding = outstanding;
    try {
      const done = await work();
      this.nothing();
      return done;
    } catch (error) {
      const fault = faultOf(error);
      if (fault.remedy === 'park') this.#outstanding = undefined;
      else {
        if (outstanding.fault === undefined && fault.remedy === 'wait')
          this.log.warn({ err: fault, position: String(oldest.position) }, 'not acknowledged: repeating');
        this.#outstanding = { ...outstanding, fault: fault.message };
      }
      this.failed(fault.code);
      throw error;
    }
  }

  nothing(): void {
    if (this.#outstanding?.fault !== undefined) {
      const afterMs = Math.round(this.clock.monotonicMs() - this.#outstanding.sinceMs);
      this.log.info({ after_ms: afterMs }, 'Kafka acknowledges again');
    }
    this.#outstanding = undefined;
  }
}
