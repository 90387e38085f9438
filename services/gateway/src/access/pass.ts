import type { Identity } from '@tradesense/auth';
import type { UserId } from '@tradesense/contracts';

export type PassState = 'valid' | 'ending' | 'over';

/** How long before its end a client is told, so that it can bring another token. */
const NOTICE_MS = 5_000;

const endMsOf = ({ expiresAt }: Identity): number => expiresAt * 1000;

/**
 * A user's right to be connected, until the token's end. Looked at by the clock again and again, not by a timer set once: one
 * for 25 days would fire at once (pitfall T3).
 */
export class Pass {
  #identity: Identity & { readonly is: 'user' };

  constructor(identity: Identity & { readonly is: 'user' }) {
    this.#identity = identity;
  }

  get identity(): Identity & { readonly is: 'user' } {
    return this.#identity;
  }
  get userId(): UserId {
    return this.#identity.userId;
  }

  /** @param nowMs wall clock: a token's end is a date */
  at(nowMs: number): PassState {
    const endMs = endMsOf(this.#identity);
    if (nowMs >= endMs) return 'over';
    return nowMs >= endMs - NOTICE_MS ? 'ending' : 'valid';
  }

  /** The new token's end replaces the old one's, also if it is earlier (pitfall T4); one that is over replaces nothing. */
  renew(identity: Identity, nowMs: number): 'ok' | 'forbidden' | 'token_expired' {
    if (identity.is !== 'user') return 'forbidden';
    if (identity.userId !== this.#identity.userId || identity.issuer !== this.#identity.issuer) return 'forbidden';
    if (nowMs >= endMsOf(identity)) return 'token_expired'; // let through by the verifier's skew
    this.#identity = identity;
    return 'ok';
  }
}
