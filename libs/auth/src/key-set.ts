import { createPublicKey, type KeyObject } from 'node:crypto';

import { Breaker, type BreakerState, type Clock, type Logger, type Metrics } from '@tradesense/platform';
import { JwksClient } from 'jwks-rsa';

import { fetchDocument } from './fetch-document.js';

/** Of a whole fetch; less than the 5 s that a connection may take to identify itself. */
const FETCH_MS = 3_000;
const FETCH_BYTES = 64 * 1024;
const MOST_KEYS = 100;
const BETWEEN_FETCHES_MS = 30_000;
const FRESH_MS = 10 * 60_000;
/** With the issuer away, known keys serve this much longer. */
const GRACE_MS = 60 * 60_000;
/** So many fetches that failed in a row open the breaker; the next one that is due is its trial. */
const FAILURES = 2;

export const KEY_ALGORITHMS = ['RS256', 'ES256'] as const;

/** The key set could not be had: our trouble, not the token's, which may pass later. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable';
}

/** The set is known, and has no such key. */
export class UnknownKey extends Error {
  override readonly name = 'UnknownKey';
}

/** What is counted of a key set. */
export interface KeySetSignals {
  /** A fetch has ended; with an error if it failed. */
  fetched(error?: unknown): void;
  breaker(state: BreakerState): void;
}

interface Key {
  readonly kid: string | undefined;
  readonly key: KeyObject;
}
interface Keys {
  readonly all: readonly Key[];
  readonly fetchedMs: number;
}

/**
 * The issuer's public keys, a whole set at a time: a key that the issuer has taken out is gone with the next fetch. Anybody can
 * come with a name we do not know, and the issuer may be away (pitfall T5); therefore
 *   - there is one fetch at a time, and one in 30 s, also after failures, whatever is asked for; it is bounded in time and size;
 *   - a set is fresh for ten minutes. After that it serves for an hour more, while fetches fail;
 *   - after two failures in a row nobody waits for a fetch but the one whose turn it is to try.
 * jwks-rsa reads the keys; its own cache and rate limit are not used. The cache keeps a key that was taken out; the limit
 * lets those who come too soon wait in a queue without end.
 */
export class KeySet {
  readonly #source: JwksClient;
  readonly #breaker: Breaker;
  #keys: Keys | undefined;
  #last: { readonly startedMs: number; readonly ended: Promise<void> } | undefined;
  #hasFailed = false;

  constructor(
    jwksUri: string,
    private readonly clock: Clock,
    private readonly signals: KeySetSignals,
  ) {
    if (!jwksUri.startsWith('https:')) throw new RangeError('JWT_JWKS_URL must be https');
    this.#source = new JwksClient({ jwksUri, cache: false, fetcher: fetchKeys });
    this.#breaker = new Breaker({
      failures: FAILURES,
      openMs: BETWEEN_FETCHES_MS / 2, // over when the next fetch is due, which counts from the start of the last one
      clock,
      changed: (state) => signals.breaker(state),
    });
  }

  /**
   * @param kid what the token says; undefined will do where the set has one key
   * @throws KeysUnavailable, UnknownKey
   */
  async publicKey(kid: string | undefined): Promise<KeyObject> {
    const known = this.#find(kid, FRESH_MS);
    if (known !== undefined) return known;
    await this.#refresh();
    const key = this.#find(kid, FRESH_MS + GRACE_MS);
    if (key !== undefined) return key;
    throw this.#hasFailed ? new KeysUnavailable() : new UnknownKey();
  }

  #find(kid: string | undefined, oldestMs: number): KeyObject | undefined {
    if (this.#keys === undefined || this.clock.monotonicMs() - this.#keys.fetchedMs >= oldestMs) return undefined;
    const { all } = this.#keys;
    if (kid === undefined) return all.length === 1 ? all[0]?.key : undefined;
    return all.find((one) => one.kid === kid)?.key;
  }

  /** Starts a fetch if one is due, otherwise waits for the one under way. Never rejects. */
  #refresh(): Promise<void> {
    const nowMs = this.clock.monotonicMs();
    if (this.#last === undefined || nowMs - this.#last.startedMs >= BETWEEN_FETCHES_MS)
      this.#last = { startedMs: nowMs, ended: this.#fetch() };
    else if (this.#breaker.state === 'half_open') return Promise.resolve();
    return this.#last.ended;
  }

  async #fetch(): Promise<void> {
    try {
      const keys = await this.#breaker.run(() => this.#source.getSigningKeys());
      const all = keys
        .filter(({ alg }) => alg === undefined || (KEY_ALGORITHMS as readonly string[]).includes(alg))
        .map((key): Key => ({ kid: key.kid, key: createPublicKey(key.getPublicKey()) }));
      this.#keys = { all, fetchedMs: this.clock.monotonicMs() };
      this.#hasFailed = false;
      this.signals.fetched();
    } catch (error) {
      this.#hasFailed = true;
      this.signals.fetched(error);
    }
  }
}

async function fetchKeys(url: string): Promise<{ readonly keys: unknown[] }> {
  const document = await fetchDocument(url, { mostBytes: FETCH_BYTES, withinMs: FETCH_MS });
  const { keys } = document as { readonly keys?: unknown };
  if (!Array.isArray(keys)) throw new Error('no key set');
  if (keys.length > MOST_KEYS) throw new Error(`more than ${MOST_KEYS} keys`);
  return { keys };
}

/** What a service counts and logs of its key set. */
export function keySetSignals(metrics: Metrics, log: Logger, breaker: (state: BreakerState) => void): KeySetSignals {
  const fetches = metrics.counter({
    name: 'key_set_fetches_total',
    help: "Fetches of the issuer's key set, by result.",
    labels: ['result'],
  });
  for (const result of ['ok', 'failed']) fetches.inc({ result }, 0);
  return {
    breaker,
    fetched(err) {
      fetches.inc({ result: err === undefined ? 'ok' : 'failed' });
      if (err !== undefined) log.warn({ err }, "the issuer's key set was not fetched");
    },
  };
}
