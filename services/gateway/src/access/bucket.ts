/** So many at once, so many a second in the long run. */
export interface Rate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Undefined: no limit. */
export const rateOf = (perSecond: number, burst: number): Rate | undefined =>
  perSecond > 0 ? { perSecond, burst } : undefined;

/** What is left of a rate. */
export class Bucket {
  #tokens: number;
  #filledAtMs: number;

  constructor(
    private readonly rate: Rate,
    nowMs: number,
  ) {
    this.#tokens = rate.burst;
    this.#filledAtMs = nowMs;
  }

  /** What costs more than a whole burst needs a full bucket, and leaves it in debt. */
  take(nowMs: number, cost = 1): boolean {
    const { perSecond, burst } = this.rate;
    const earned = ((nowMs - this.#filledAtMs) / 1000) * perSecond;
    this.#tokens = Math.min(burst, this.#tokens + Math.max(0, earned));
    this.#filledAtMs = nowMs;
    if (this.#tokens < Math.min(cost, burst)) return false;
    this.#tokens -= cost;
    return true;
  }
}
