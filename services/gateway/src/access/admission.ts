import type { Random } from '@tradesense/platform';

import { Bucket, type Rate } from './bucket.js';

/** Nobody is asked back sooner: a refused attempt costs nearly as much as one that is let in. */
const SOONEST_MS = 1_000;
/** Nor later: who does not come when he may, or never meant to, must not keep the others away for long. */
const LATEST_MS = 20_000;

/**
 * Lets so many in per second, and gives everybody else an appointment: each refusal takes the next place in the rate, so that
 * those who were refused together do not come back together, only to be refused again. An appointment is a hint, not a seat:
 * whoever comes meanwhile takes from the same bucket.
 */
export class Admission {
  readonly #bucket: Bucket;
  #bookedUntilMs = 0;

  constructor(
    private readonly rate: Rate,
    private readonly random: Random,
    nowMs: number,
  ) {
    this.#bucket = new Bucket(rate, nowMs);
  }

  take(nowMs: number): boolean {
    return this.#bucket.take(nowMs);
  }

  /** For one that was refused: in how many milliseconds to try again. */
  appointmentMs(nowMs: number): number {
    const next = Math.max(this.#bookedUntilMs, nowMs + SOONEST_MS) + 1_000 / this.rate.perSecond;
    if (next - nowMs > LATEST_MS) return SOONEST_MS + this.random.below(LATEST_MS - SOONEST_MS);
    this.#bookedUntilMs = next;
    return Math.round(next - nowMs);
  }
}
