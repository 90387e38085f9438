import type { Clock } from '@tradesense/platform';

import { DatabaseUnavailable } from './faults.js';

/** So often one request tries, while all others are refused at once. */
const TRY_EVERY_MS = 300;

/**
 * PostgreSQL can not be reached: found out by one request, and told to all. Each of them trying for itself would besiege a server
 * that is just coming back, and keep us busy with nothing.
 */
export class Outage {
  #is: { readonly why: unknown; triedAtMs: number } | undefined;

  constructor(private readonly clock: Clock) {}

  /** Before an attempt to connect. @throws DatabaseUnavailable unless this request is the one that tries */
  mayTry(): void {
    const nowMs = this.clock.monotonicMs();
    if (this.#is === undefined) return;
    if (nowMs - this.#is.triedAtMs < TRY_EVERY_MS) throw new DatabaseUnavailable('not_applied', this.#is.why);
    this.#is.triedAtMs = nowMs;
  }

  begins(why: unknown): void {
    this.#is = { why, triedAtMs: this.#is?.triedAtMs ?? this.clock.monotonicMs() };
  }

  ends(): void {
    this.#is = undefined;
  }
}
