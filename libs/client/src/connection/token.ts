import type { Environment } from '../environment.js';
import { gatewayFault, ownFault, type ClientFault } from '../fault.js';

/**
 * A token, or whoever hands them out: asked at each connect, so that a page outlives its tokens (pitfall R5). One who knows
 * that there will be no more rejects with an error whose `code` is `unauthorized`; any other failure is asked again.
 */
export type TokenProvider = () => string | Promise<string>;
export type Token = string | TokenProvider;

export type TokenAnswer =
  { readonly ok: true; readonly token: string } | { readonly ok: false; readonly fault: ClientFault };

const LONGEST_WAIT_MS = 10_000;

/**
 * Whose token it is: issuer and user claim, read without verifying, which is the gateway's business. What can't be read is its
 * own identity, so that two unreadable tokens never share a socket.
 */
export function identityOf(token: string): string {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    const { iss, sub, user_id } = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
    const user = sub ?? user_id;
    return typeof user === 'string' ? JSON.stringify([iss ?? null, user]) : token;
  } catch {
    return token;
  }
}

/** Asks for a token: one question at a time, however many wait for it, and none for ever. */
export class TokenSource {
  #asked: Promise<TokenAnswer> | undefined;

  constructor(
    private readonly environment: Environment,
    private token: Token,
  ) {}

  /** A fixed token that was refused as expired stays refused; a provider may have a newer one. */
  get isFixed(): boolean {
    return typeof this.token === 'string';
  }

  /** Returns whether the token is another one than before. Of a provider that can't be known, so it is simply the next to ask. */
  replace(token: Token): boolean {
    const isNews = token !== this.token;
    this.token = token;
    if (isNews) this.#asked = undefined;
    return isNews && typeof token === 'string';
  }

  ask(): Promise<TokenAnswer> {
    if (typeof this.token === 'string') return Promise.resolve({ ok: true, token: this.token });
    if (this.#asked !== undefined) return this.#asked;
    const asked = this.#askProvider(this.token);
    this.#asked = asked;
    void asked.finally(() => {
      if (this.#asked === asked) this.#asked = undefined;
    });
    return asked;
  }

  #askProvider(provider: TokenProvider): Promise<TokenAnswer> {
    return new Promise((resolve) => {
      const give = (answer: TokenAnswer): void => {
        cancel();
        resolve(answer);
      };
      const cancel = this.environment.after(LONGEST_WAIT_MS, () =>
        give({ ok: false, fault: ownFault('token_failed') }),
      );
      Promise.resolve()
        .then(provider)
        .then(
          (token) => give({ ok: true, token }),
          (error: unknown) => give({ ok: false, fault: faultOfProvider(error) }),
        );
    });
  }
}

const faultOfProvider = (error: unknown): ClientFault =>
  typeof error === 'object' && error !== null && 'code' in error && error.code === 'unauthorized'
    ? gatewayFault('unauthorized', 'No valid token')
    : ownFault('token_failed');
