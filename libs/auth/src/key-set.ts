import type { Clock } from '@tradesense/platform';
import { JwksClient, SigningKeyNotFoundError } from 'jwks-rsa';

const TIMEOUT_MS = 5_000;
const BETWEEN_FETCHES_MS = 30_000;
const FRESH_MS = 10 * 60_000;
/** With the issuer away, known keys serve this much longer. */
const GRACE_MS = 60 * 60_000;
const MOST_KEYS = 20;

/** The key set could not be had: our trouble, not the token's, which may pass later. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

type Keys = Awaited<ReturnType<JwksClient['getKeys']>>;

/**
 * The issuer's public keys by name. jwks-rsa fetches, parses and caches them. Its own rate limit is not used: it lets those
 * who come too soon wait in a queue without end, and anybody can come with a name it does not know. Here whoever comes too
 * soon gets the outcome of the last fetch, good or bad, so that nobody waits longer than for one (pitfall T5).
 */
export class KeySet {
  readonly #source: JwksClient;
  readonly #keys: JwksClient;
  #last: { readonly startedMs: number; readonly outcome: Promise<Keys> } | undefined;

  constructor(
    jwksUri: string,
    private readonly clock: Clock,
  ) {
    if (!jwksUri.startsWith('https:')) throw new RangeError('JWT_JWKS_URL must be https');
    this.#source = new JwksClient({ jwksUri, timeout: TIMEOUT_MS, cache: false });
    this.#keys = new JwksClient({
      jwksUri,
      cacheMaxEntries: MOST_KEYS,
      cacheMaxAge: FRESH_MS,
      cacheMaxAgeFallback: GRACE_MS,
      fetcher: async () => ({ keys: await this.#fetch() }),
    });
  }

  /**
   * @param kid what the token says; undefined will do where the set has one key
   * @throws KeysUnavailable, SigningKeyNotFoundError
   */
  async publicKey(kid: string | undefined): Promise<string> {
    try {
      return (await this.#keys.getSigningKey(kid)).getPublicKey();
    } catch (error) {
      throw error instanceof SigningKeyNotFoundError ? error : new KeysUnavailable();
    }
  }

  #fetch(): Promise<Keys> {
    const nowMs = this.clock.monotonicMs();
    if (this.#last === undefined || nowMs - this.#last.startedMs >= BETWEEN_FETCHES_MS)
      this.#last = { startedMs: nowMs, outcome: this.#source.getKeys() };
    return this.#last.outcome;
  }
}
