import type { Ends } from '@tradesense/kafka';

import type { Row } from '../reading/index.js';
import { StateGuard, type GuardOptions } from './guard.js';
import { StateSweep, type SweepOptions } from './sweep.js';

export type StatesOptions = GuardOptions & SweepOptions;

/** What a leader does for the topic of states beside publishing, and what it has to tell for that. */
export class States {
  readonly #guard: StateGuard;
  readonly #sweep: StateSweep;

  constructor(options: StatesOptions) {
    this.#guard = new StateGuard(options);
    this.#sweep = new StateSweep(options);
  }

  /** Kafka has these rows, up to these ends. */
  published(rows: readonly Row[], ends: Ends): void {
    this.#guard.published(rows, ends);
    this.#sweep.published(rows);
  }

  /** Nobody knows what became of a send. */
  unclear(): void {
    this.#guard.unclear();
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#guard.run(signal), this.#sweep.run(signal)]);
  }
}
