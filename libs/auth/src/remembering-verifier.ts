import { systemClock, type Clock } from '@tradesense/platform';

import type { Identity, Verification } from './identity.js';
import { SKEW_S, type TokenVerifier } from './verifier.js';

const MOST = 10_000;
/** So much later than the key set itself learns it, a key that the issuer has taken out is refused here. */
const LONGEST_MS = 60_000;

interface Remembered {
  readonly identity: Identity;
  readonly untilMs: number;
}

/**
 * Verifies a token once and remembers whose it is, until it expires and for a minute at most: callers send the same token with
 * every request, and a signature costs as much as all else that is done before a trade. What is refused is not remembered.
 */
export class RememberingVerifier {
  readonly #known = new Map<string, Remembered>();

  constructor(
    private readonly verifier: Pick<TokenVerifier, 'verify'>,
    private readonly clock: Clock = systemClock,
  ) {}

  async verify(token: unknown): Promise<Verification> {
    const known = typeof token === 'string' ? this.#known.get(token) : undefined;
    if (known !== undefined && this.clock.now() < known.untilMs) return { ok: true, identity: known.identity };
    const verification = await this.verifier.verify(token);
    if (verification.ok) this.#remember(token as string, verification.identity);
    else if (known !== undefined) this.#known.delete(token as string);
    return verification;
  }

  #remember(token: string, identity: Identity): void {
    this.#known.delete(token);
    if (this.#known.size >= MOST) this.#known.delete(this.#known.keys().next().value!); // the one remembered first
    const expiresMs = (identity.expiresAt + SKEW_S) * 1000;
    this.#known.set(token, { identity, untilMs: Math.min(expiresMs, this.clock.now() + LONGEST_MS) });
  }
}
