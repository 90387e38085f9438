import { SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';

/** A key no development default knows, so that a service which ignores its configuration fails. */
export const JWT_SECRET = 'secret-of-the-tests-that-no-default-knows-0123456789';
const ISSUER = 'tradesense';
const AUDIENCE = 'tradesense';
const HOUR_S = 3_600;

export interface TokenOptions {
  readonly secret?: string;
  readonly claims?: JWTPayload;
  readonly issuedAtS?: number;
  readonly livesS?: number;
  readonly alg?: string;
}

const minted: string[] = [];

/** What identifies a token this process has minted: its signature, or the whole of one without. */
const traceOf = (token: string): string => token.split('.')[2] || token;

/** Those of the lines in which a token of this process, or the key they are signed with, can be read. */
export function tokensIn(lines: readonly string[]): readonly string[] {
  const secrets = [JWT_SECRET, ...minted.map(traceOf)];
  return lines.filter((line) => secrets.some((secret) => line.includes(secret)));
}

function remembered(token: string): string {
  minted.push(token);
  return token;
}

const nowS = (): number => Math.floor(Date.now() / 1000);

/** A token as the platform's sign-in would issue it, unless the options say otherwise. */
async function mint(claims: JWTPayload, { secret = JWT_SECRET, livesS = HOUR_S, ...more }: TokenOptions = {}) {
  const issuedAtS = more.issuedAtS ?? nowS();
  const token = await new SignJWT({
    iss: ISSUER,
    aud: AUDIENCE,
    iat: issuedAtS,
    exp: issuedAtS + livesS,
    ...claims,
    ...more.claims,
  })
    .setProtectedHeader({ alg: more.alg ?? 'HS256', typ: 'JWT' })
    .sign(new TextEncoder().encode(secret));
  return remembered(token);
}

export const tokens = {
  /** A trader's. */
  user: (userId: string, options?: TokenOptions): Promise<string> => mint({ sub: userId }, options),
  /** A trader's, naming the user as the seed does. */
  seedUser: (userId: string, options?: TokenOptions): Promise<string> => mint({ user_id: userId }, options),
  /** That of the platform's services, which post trades. */
  service: (options?: TokenOptions): Promise<string> =>
    mint({ sub: 'trading-platform', scope: 'trades:write' }, options),
  /** That of somebody who mends things, named. */
  operator: (who: string, scope = 'ops:read ops:write'): Promise<string> => mint({ sub: who, scope }),
  /** Right in everything but its time, which is over by more than the permitted skew. */
  expired: (userId: string): Promise<string> => mint({ sub: userId }, { issuedAtS: nowS() - 120, livesS: 60 }),
  /** Right in everything but the key. */
  forged: (userId: string): Promise<string> => mint({ sub: userId }, { secret: `${JWT_SECRET}-of-somebody-else` }),
  /** `alg: none`, without a signature. */
  unsigned: (userId: string): string =>
    remembered(
      new UnsecuredJWT({ sub: userId })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime('1h')
        .encode(),
    ),
};
