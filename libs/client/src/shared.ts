import { NOT_BEGUN } from './challenge/view.js';
import {
  createChallengeClient,
  type ChallengeClient,
  type ChallengeHandle,
  type ClientOptions,
  type Surroundings,
} from './client.js';
import { identityOf, type Token, type TokenProvider } from './connection/token.js';

/**
 * Clients shared by everything on a page: one for each gateway address and user (a token's issuer and user claim), or for each
 * provider function, since whose tokens it gives is not known before it is asked. A client is here only while it has
 * subscribers, so a user who has gone leaves nothing behind, and rendering on a server keeps no token.
 */
export class ClientPool {
  readonly #clients = new Map<string, ChallengeClient>();
  readonly #providerKeys = new WeakMap<TokenProvider, string>();
  #providers = 0;

  constructor(private readonly surroundings?: Surroundings) {}

  /** The same key: the same user as far as can be known, so that one token may take the other's place. */
  keyOf(token: Token): string {
    if (typeof token === 'string') return `user ${identityOf(token)}`;
    let key = this.#providerKeys.get(token);
    if (key === undefined) {
      key = `provider ${++this.#providers}`;
      this.#providerKeys.set(token, key);
    }
    return key;
  }

  challenge(options: ClientOptions, challengeId: string): SharedHandle {
    const key = `${options.url} ${this.keyOf(options.token)}`;
    let { token } = options;
    const here = (): ChallengeHandle | undefined => this.#clients.get(key)?.challenge(challengeId);
    const join = (): ChallengeHandle => {
      const known = this.#clients.get(key);
      if (known === undefined) return this.#open(key, { ...options, token }).challenge(challengeId);
      known.useToken(token);
      return known.challenge(challengeId);
    };
    return {
      subscribe: (listener) => join().subscribe(listener),
      onEvent: (listener) => join().onEvent(listener),
      getSnapshot: () => here()?.getSnapshot() ?? NOT_BEGUN,
      refresh: () => here()?.refresh() ?? Promise.resolve(false),
      clearAlerts: () => here()?.clearAlerts(),
      useToken: (newer) => {
        token = newer;
        this.#clients.get(key)?.useToken(newer);
      },
    };
  }

  #open(key: string, options: ClientOptions): ChallengeClient {
    const client = createChallengeClient(options, this.surroundings, () => {
      if (this.#clients.get(key) === client) this.#clients.delete(key);
    });
    this.#clients.set(key, client);
    return client;
  }
}

export interface SharedHandle extends ChallengeHandle {
  /** A newer token of the same user. */
  useToken(token: Token): void;
}

export const sharedClients = new ClientPool();
