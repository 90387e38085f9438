import { createHmac, generateKeyPairSync } from 'node:crypto';

import { TokenVerifier, bearerOf, tokenRulesOf, type Verification } from '@tradesense/auth';
import { readConfig, tokenSettings, type Clock } from '@tradesense/platform';
import { SignJWT, UnsecuredJWT, type JWTPayload } from 'jose';

const SECRET = 'a-secret-of-this-test-that-is-long-enough-for-any-hmac-there-is-0123456789';
const NOW_S = 1_764_081_978;
const DAY_S = 86_400;
const clockAt = (seconds: number): Clock => ({
  now: () => seconds * 1_000,
  monotonicMs: () => 0,
  sleep: () => Promise.resolve(),
});

const rules = { secret: SECRET, jwksUrl: '', issuer: 'tradesense', audience: 'tradesense', userClaim: 'sub' };
const verifier = new TokenVerifier(rules, { clock: clockAt(NOW_S) });
const good: JWTPayload = { iss: 'tradesense', aud: 'tradesense', sub: 'trader-1', iat: NOW_S, exp: NOW_S + 3_600 };

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
/** Signed whatever it says: jose would refuse to write some of these. */
function handMade(header: object, claims: unknown, secret = SECRET, hash = 'sha256'): string {
  const signed = `${base64url(header)}.${base64url(claims)}`;
  return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
}
const withClaims = (claims: Readonly<Record<string, unknown>>): string =>
  handMade({ alg: 'HS256', typ: 'JWT' }, { ...good, ...claims });
const without = (name: string): string => withClaims(Object.fromEntries([[name, undefined]]));
const verify = (token: unknown, by = verifier): Promise<Verification> => by.verify(token);
const outcome = (verification: Verification): string =>
  verification.ok ? verification.identity.is : verification.code;

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const publicPem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();

describe('a right token', () => {
  it('says who the user is, until when, and by which name to revoke it', async () => {
    expect(await verify(withClaims({ jti: 't-1' }))).toEqual({
      ok: true,
      identity: {
        is: 'user',
        userId: 'trader-1',
        issuer: 'tradesense',
        issuedAt: NOW_S,
        expiresAt: NOW_S + 3_600,
        tokenId: 't-1',
      },
    });
  });

  it.each([
    ['is of sixty days (pitfall T3)', { exp: NOW_S + 60 * DAY_S }],
    ['is of ninety days, not a second more', { exp: NOW_S + 90 * DAY_S }],
    ['has several audiences, ours among them', { aud: ['other', 'tradesense'] }],
    ['was issued by a clock five seconds ahead', { iat: NOW_S + 5, exp: NOW_S + 100 }],
    ['is valid from five seconds ahead', { nbf: NOW_S + 5 }],
    ['ended four seconds ago', { iat: NOW_S - 100, exp: NOW_S - 4 }],
    ['names the user as the seed does', { sub: undefined, user_id: 'trader-1' }],
    ['has an empty scope', { scope: '' }],
    ['has scopes of somebody else', { scope: 'openid profile' }],
    ['has a user of 128 characters', { sub: 'u'.repeat(128) }],
  ])('%s', async (_how, claims) => {
    expect(outcome(await verify(withClaims(claims)))).toBe('user');
  });

  it('may name the user in a claim of the configuration’s choice', async () => {
    const byEmail = new TokenVerifier({ ...rules, userClaim: 'email' }, { clock: clockAt(NOW_S) });
    expect(await verify(withClaims({ email: 'a@b.c' }), byEmail)).toMatchObject({ identity: { userId: 'a@b.c' } });
    expect(outcome(await verify(withClaims({}), byEmail))).toBe('unauthorized');
  });
});

describe('a token with a scope of ours', () => {
  it.each(['trades:write', 'ops:read', 'ops:write', 'openid trades:write', 'trades:write  ops:read'])(
    '"%s" speaks for a machine and for no user',
    async (scope) => {
      const verification = await verify(withClaims({ scope }));
      expect(verification).toMatchObject({ ok: true, identity: { is: 'machine', subject: 'trader-1' } });
      expect(verification.ok && 'userId' in verification.identity).toBe(false);
    },
  );

  it('has its scopes apart', async () => {
    expect(await verify(withClaims({ scope: 'trades:write ops:read' }))).toMatchObject({
      identity: { scopes: new Set(['trades:write', 'ops:read']) },
    });
  });

  it.each(['trades:writer', 'xtrades:write', 'TRADES:WRITE', 'trades:write,ops:read'])(
    '"%s" is none of ours',
    async (scope) => {
      expect(outcome(await verify(withClaims({ scope })))).toBe('user');
    },
  );
});

describe('refused (pitfall T1)', () => {
  const refused: readonly (readonly [string, () => unknown])[] = [
    ['no token', () => undefined],
    ['an empty one', () => ''],
    ['something that is no text', () => ({ token: 'x' })],
    ['a list', () => [withClaims({})]],
    ['rubbish', () => 'rubbish'],
    ['three dots', () => '...'],
    ['a token longer than 8 KiB', () => withClaims({ padding: 'x'.repeat(8_192) })],
    ['a payload that is no JSON', () => handMade({ alg: 'HS256', typ: 'JWT' }, good).replace(/\.[^.]+\./, '.eA.')],
    ['a signed text instead of claims', () => handMade({ alg: 'HS256', typ: 'JWT' }, 'trader-1')],
    ['a header that is no JSON', () => `eA.${withClaims({}).split('.').slice(1).join('.')}`],
    ['another secret', () => handMade({ alg: 'HS256' }, good, `${SECRET}x`)],
    ['a changed payload', () => withClaims({}).replace(/\.[^.]+\./, `.${base64url({ ...good, sub: 'trader-2' })}.`)],
    ['no signature', () => withClaims({}).replace(/[^.]+$/, '')],
    ['alg none', () => new UnsecuredJWT(good).encode()],
    ['alg None', () => `${base64url({ alg: 'None' })}.${base64url(good)}.`],
    ['HS512 with the right secret', () => handMade({ alg: 'HS512' }, good, SECRET, 'sha512')],
    ['RS256', () => new SignJWT(good).setProtectedHeader({ alg: 'RS256' }).sign(rsa.privateKey)],
    ['another audience', () => withClaims({ aud: 'other' })],
    ['no audience', () => without('aud')],
    ['another issuer', () => withClaims({ iss: 'other' })],
    ['no issuer', () => without('iss')],
    ['no exp', () => without('exp')],
    ['exp as text', () => withClaims({ exp: String(NOW_S + 3_600) })],
    ['exp as null', () => withClaims({ exp: null })],
    ['exp in a hundred years', () => withClaims({ exp: NOW_S + 100 * 365 * DAY_S })],
    ['a life of ninety days and a second', () => withClaims({ exp: NOW_S + 90 * DAY_S + 1 })],
    ['no iat', () => without('iat')],
    ['iat as text', () => withClaims({ iat: String(NOW_S) })],
    ['iat six seconds ahead', () => withClaims({ iat: NOW_S + 6 })],
    ['nbf six seconds ahead', () => withClaims({ nbf: NOW_S + 6 })],
    ['nbf as text', () => withClaims({ nbf: String(NOW_S) })],
    ['no user', () => without('sub')],
    ['an empty user', () => withClaims({ sub: '' })],
    ['a user that is a number', () => withClaims({ sub: 7 })],
    ['a user of 129 characters', () => withClaims({ sub: 'u'.repeat(129) })],
    ['scopes as a list', () => withClaims({ scope: ['trades:write'] })],
  ];

  it.each(refused)('%s', async (_what, make) => {
    expect(outcome(await verify(await make()))).toBe('unauthorized');
  });

  it('an expired one, under a code of its own: a new one helps', async () => {
    expect(outcome(await verify(withClaims({ iat: NOW_S - 100, exp: NOW_S - 5 })))).toBe('token_expired');
  });

  it('HMAC with a public key as the secret, where the key is a public one', async () => {
    const byPublicKey = new TokenVerifier({ ...rules, secret: publicPem }, { clock: clockAt(NOW_S) });
    expect(outcome(await verify(handMade({ alg: 'HS256' }, good, publicPem), byPublicKey))).toBe('unauthorized');
  });

  it('with a reason that shows nothing of the token', async () => {
    for (const [, make] of refused) {
      const token = await make();
      const verification = await verify(token);
      const why = verification.ok ? '' : verification.why;
      expect(why).toMatch(/^[\w ]{4,40}$/);
      expect(why).not.toContain('trader-1');
    }
  });
});

describe('a key set', () => {
  it('is fetched by https or not at all', () => {
    expect(() => new TokenVerifier({ ...rules, jwksUrl: 'http://issuer/keys' })).toThrow('https');
  });
});

describe('the rules', () => {
  it('come out of the settings', () => {
    const reading = readConfig(tokenSettings, { JWT_SECRET: SECRET, JWT_ISSUER: 'a', JWT_AUDIENCE: 'b' });
    expect(reading.ok && tokenRulesOf(reading.config)).toEqual({ ...rules, issuer: 'a', audience: 'b' });
  });
});

describe('an Authorization header', () => {
  it.each([
    ['Bearer a.b.c', 'a.b.c'],
    ['bearer  a.b.c', 'a.b.c'],
    ['Basic a.b.c', undefined],
    ['Bearer', undefined],
    ['Bearer a b', undefined],
    ['Bearer a,Bearer b', undefined],
    [['Bearer a'], undefined],
    [undefined, undefined],
  ])('%j bears %s', (header, token) => {
    expect(bearerOf(header)).toBe(token);
  });
});
