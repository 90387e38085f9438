import type { Identity } from '@tradesense/auth';
import { systemClock, type Clock } from '@tradesense/platform';

import { ProblemError } from './problem.js';

/** Callers remembered at most. Whoever is forgotten, longest unheard first, begins anew with a full bucket. */
const MOST = 10_000;

interface Bucket {
  tokens: number;
  filledMs: number;
}

export interface RateLimitRules {
  /** Requests a second of one user; 0: any number. */
  readonly userPerS: number;
  /** The same of one service or operator. */
  readonly machinePerS: number;
}

/** What a limited answer says: the IETF draft's fields `RateLimit-Policy` and `RateLimit`. */
type Headers = Readonly<Record<string, string>>;

/**
 * A token bucket for each caller, by the token's subject, with room for one second. Not @nestjs/throttler: its store keeps a
 * timer for each request and any number of callers.
 */
export class RateLimits {
  readonly #buckets = new Map<string, Bucket>();

  constructor(
    private readonly rules: RateLimitRules,
    private readonly clock: Clock = systemClock,
  ) {}

  /** Counts a request; the answer's headers. @throws ProblemError `rate-limited` */
  take(identity: Identity): Headers {
    const perS = identity.is === 'user' ? this.rules.userPerS : this.rules.machinePerS;
    if (perS === 0) return {};
    const bucket = this.#filled(identity.is === 'user' ? `u ${identity.userId}` : `m ${identity.subject}`, perS);
    const isTaken = bucket.tokens >= 1;
    if (isTaken) bucket.tokens -= 1;
    const headers = {
      'ratelimit-policy': `"caller";q=${perS};w=1`,
      ratelimit: `"caller";r=${Math.floor(bucket.tokens)};t=1`,
    };
    if (!isTaken) throw new ProblemError('rate-limited', { headers });
    return headers;
  }

  #filled(caller: string, perS: number): Bucket {
    const nowMs = this.clock.monotonicMs();
    const known = this.#buckets.get(caller);
    const tokens = known === undefined ? perS : known.tokens + ((nowMs - known.filledMs) / 1000) * perS;
    const bucket = { tokens: Math.min(perS, tokens), filledMs: nowMs };
    this.#buckets.delete(caller); // and last again: the first is the one longest unheard
    if (this.#buckets.size >= MOST) this.#buckets.delete(this.#buckets.keys().next().value!);
    this.#buckets.set(caller, bucket);
    return bucket;
  }
}
