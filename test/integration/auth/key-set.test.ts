import { createHmac, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { createServer, globalAgent, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';

import { TokenVerifier, type Verification } from '@tradesense/auth';
import { systemClock, type Clock } from '@tradesense/platform';
import { SignJWT } from 'jose';

import { selfSigned } from '../../support/self-signed.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 });

const nowS = Math.floor(Date.now() / 1000);
const claims = { iss: 'tradesense', aud: 'tradesense', sub: 'trader-1', iat: nowS, exp: nowS + 3_600 };
const sign = (alg: string, key: KeyObject, kid?: string): Promise<string> =>
  new SignJWT(claims).setProtectedHeader(kid === undefined ? { alg } : { alg, kid }).sign(key);
const outcome = (verification: Verification): string =>
  verification.ok ? verification.identity.is : verification.code;

/** An issuer whose answers a test decides. */
class Issuer {
  asked = 0;
  answer: 'keys' | 'error' = 'keys';
  readonly #server: Server;

  constructor(certificate: ReturnType<typeof selfSigned>) {
    this.#server = createServer(certificate, (_request, response) => {
      this.asked += 1;
      const keys = [
        { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'rsa', use: 'sig' },
        { ...ec.publicKey.export({ format: 'jwk' }), kid: 'ec', use: 'sig' },
      ];
      if (this.answer === 'keys') response.end(JSON.stringify({ keys }));
      else response.writeHead(500).end();
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  /** A verifier that has asked nothing yet. */
  verifier(clock: Clock = systemClock): TokenVerifier {
    this.asked = 0;
    const { port } = this.#server.address() as AddressInfo;
    const jwksUrl = `https://localhost:${port}/keys`;
    const rules = { secret: '', jwksUrl, issuer: 'tradesense', audience: 'tradesense', userClaim: 'sub' };
    return new TokenVerifier(rules, clock);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

describe('a verifier with a key set', () => {
  const certificate = selfSigned();
  const issuer = new Issuer(certificate);
  const trusted = globalAgent.options.ca;

  beforeAll(async () => {
    globalAgent.options.ca = certificate.cert;
    await issuer.start();
  });
  beforeEach(() => (issuer.answer = 'keys'));
  afterAll(async () => {
    globalAgent.options.ca = trusted;
    await issuer.stop();
  });

  it.each([
    ['RS256', rsa.privateKey, 'rsa'],
    ['ES256', ec.privateKey, 'ec'],
  ])('takes %s by the key that the token names, and fetches once', async (alg, key, kid) => {
    const verifier = issuer.verifier();
    const token = await sign(alg, key, kid);
    for (let times = 0; times < 20; times += 1) expect(outcome(await verifier.verify(token))).toBe('user');
    expect(issuer.asked).toBe(1);
  });

  it.each<[string, () => Promise<string> | string]>([
    ['a key that is not in the set', () => sign('RS256', foreign.privateKey, 'rsa')],
    ['a name that is not in the set', () => sign('RS256', rsa.privateKey, 'unknown')],
    ['no name, where there are two keys', () => sign('RS256', rsa.privateKey)],
    ['an algorithm that the key is not for', () => sign('ES256', ec.privateKey, 'rsa')],
    ['PS256', () => sign('PS256', rsa.privateKey, 'rsa')],
    ['RS512', () => sign('RS512', rsa.privateKey, 'rsa')],
    [
      'HMAC with the public key, which everybody knows',
      () => {
        const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
        const signed = `${encode({ alg: 'HS256', kid: 'rsa' })}.${encode(claims)}`;
        const key = rsa.publicKey.export({ type: 'spki', format: 'pem' });
        return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`;
      },
    ],
    ['rubbish', () => 'a.b.c'],
  ])('refuses %s', async (_what, make) => {
    expect(outcome(await issuer.verifier().verify(await make()))).toBe('unauthorized');
  });

  it('does not blame the token when the issuer fails', async () => {
    issuer.answer = 'error';
    expect(outcome(await issuer.verifier().verify(await sign('RS256', rsa.privateKey, 'rsa')))).toBe('unavailable');
  });

  it('asks a failing issuer once in half a minute, whatever a thousand tokens name; known keys go on (pitfall T5)', async () => {
    let seconds = 0;
    const verifier = issuer.verifier({ ...systemClock, monotonicMs: () => seconds * 1_000 });
    const known = await sign('RS256', rsa.privateKey, 'rsa');
    expect(outcome(await verifier.verify(known))).toBe('user');
    const [, payload, signature] = known.split('.');
    const named = (kid: string): string =>
      [Buffer.from(JSON.stringify({ alg: 'RS256', kid })).toString('base64url'), payload, signature].join('.');
    const burst = (): Promise<string[]> =>
      Promise.all(Array.from({ length: 1_000 }, async () => outcome(await verifier.verify(named(randomUUID())))));

    issuer.answer = 'error';
    expect(new Set(await burst())).toEqual(new Set(['unauthorized']));
    expect(issuer.asked).toBe(1);
    seconds = 30;
    expect(new Set(await burst())).toEqual(new Set(['unavailable']));
    expect(new Set(await burst())).toEqual(new Set(['unavailable']));
    expect(issuer.asked).toBe(2);
    expect(outcome(await verifier.verify(known))).toBe('user');

    issuer.answer = 'keys';
    seconds = 60;
    expect(outcome(await verifier.verify(await sign('ES256', ec.privateKey, 'ec')))).toBe('user');
    expect(issuer.asked).toBe(3);
  });
});
