import type { UserId } from '@tradesense/contracts';

interface Common {
  readonly issuer: string;
  /** Seconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  /** `jti`, where the token has one: makes it revocable by itself. */
  readonly tokenId: string | undefined;
}

/** Who a token speaks for. A token with a service or operator scope is no user and opens no socket. */
export type Identity =
  | (Common & { readonly is: 'user'; readonly userId: UserId })
  | (Common & { readonly is: 'machine'; readonly subject: string; readonly scopes: ReadonlySet<string> });

export type VerifyRefusal = 'unauthorized' | 'token_expired' | 'unavailable';
export type Verification =
  | { readonly ok: true; readonly identity: Identity }
  /** `why` is for logs: it names the rule, never a part of the token. */
  | { readonly ok: false; readonly code: VerifyRefusal; readonly why: string };
