import { createHmac, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { globalAgent } from 'node:https';

import { TokenVerifier, type Verification } from '@tradesense/auth';
import { systemClock, type BreakerState, type Clock } from '@tradesense/platform';
import { SignJWT } from 'jose';

import { failure, Issuer, jwkOf, setOf, type IssuerAnswer } from '../../support/issuer.js';
import { until } from '../../support/until.js';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const foreign = generateKeyPairSync('rsa', { modulusLength: 2048 });

const nowS = Math.floor(Date.now() / 1000);
const claims = { iss: 'tradesense', aud: 'tradesense', sub: 'trader-1', iat: nowS, exp: nowS + 3_600 };
const sign = (alg: string, key: KeyObject, kid?: string): Promise<string> =>
  new SignJWT(claims).setProtectedHeader(kid === undefined ? { alg } : { alg, kid }).sign(key);
const outcome = (verification: Verification): string =>
  verification.ok ? verification.identity.is : verification.code;

const both = setOf(jwkOf(rsa.publicKey, 'rsa'), jwkOf(ec.publicKey, 'ec'));

/** A verifier that has asked nothing yet, and what it says of its key set. */
class Verifying {
  readonly fetched: ('ok' | 'failed')[] = [];
  readonly states: BreakerState[] = [];
  readonly #verifier: TokenVerifier;

  constructor(issuer: Issuer, clock: Clock = systemClock) {
    issuer.asked = 0;
    issuer.answer = both;
    const rules = { secret: '', jwksUrl: issuer.url, issuer: 'tradesense', audience: 'tradesense', userClaim: 'sub' };
    const signals = {
      fetched: (error?: unknown) => void this.fetched.push(error === undefined ? 'ok' : 'failed'),
      breaker: (state: BreakerState) => void this.states.push(state),
    };
    this.#verifier = new TokenVerifier(rules, { clock, signals });
  }

  async verify(token: string): Promise<string> {
    return outcome(await this.#verifier.verify(token));
  }
}

/** A clock whose monotonic time a test sets. */
class SetClock implements Clock {
  seconds = 0;
  now = (): number => systemClock.now();
  monotonicMs = (): number => this.seconds * 1_000;
  sleep = systemClock.sleep;
}

describe('a verifier with a key set', () => {
  const issuer = new Issuer(both);
  const trusted = globalAgent.options.ca;

  beforeAll(async () => {
    globalAgent.options.ca = issuer.certificate.cert;
    await issuer.start();
  });
  afterAll(async () => {
    globalAgent.options.ca = trusted;
    await issuer.stop();
  });

  it.each([
    ['RS256', rsa.privateKey, 'rsa'],
    ['ES256', ec.privateKey, 'ec'],
  ])('takes %s by the key that the token names, and fetches once', async (alg, key, kid) => {
    const verifier = new Verifying(issuer);
    const token = await sign(alg, key, kid);
    for (let times = 0; times < 20; times += 1) expect(await verifier.verify(token)).toBe('user');
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
    expect(await new Verifying(issuer).verify(await make())).toBe('unauthorized');
  });

  it.each<[string, IssuerAnswer]>([
    ['fails', failure],
    ['fails, with keys', (response) => both(response.writeHead(500))],
    [
      'sends elsewhere, even to itself',
      (response) => {
        if (issuer.asked > 1) both(response);
        else both(response.writeHead(302, { location: issuer.url }));
      },
    ],
    [
      'sends more than 64 KiB',
      (response) => {
        response.write(' '.repeat(64 * 1024));
        both(response);
      },
    ],
    [
      'names more than 100 keys',
      setOf(...Array.from({ length: 101 }, (_, nth) => jwkOf(rsa.publicKey, nth === 0 ? 'rsa' : `k${nth}`))),
    ],
    ['sends no JSON', (response) => response.end('<html>')],
    ['sends something else', (response) => response.end('[]')],
    ['sends keys that are none', (response) => response.end('{"keys":[null]}')],
    ['sends an empty set', setOf()],
    [
      'breaks off',
      (response) => response.writeHead(200, { 'content-length': 500 }).write('{', () => response.destroy()),
    ],
    ['does not answer', () => undefined],
    [
      'answers a byte at a time, without end',
      (response) => {
        const dripping = setInterval(() => response.write(' '), 50);
        response.once('close', () => clearInterval(dripping));
      },
    ],
  ])('blames no token, and waits no longer than 3 s, when the issuer %s', async (_how, answer) => {
    const verifier = new Verifying(issuer);
    issuer.answer = answer;
    const token = await sign('RS256', rsa.privateKey, 'rsa');
    const beganMs = performance.now();
    expect(await verifier.verify(token)).toBe('unavailable');
    expect(performance.now() - beganMs).toBeLessThan(4_500);
    expect(issuer.asked).toBe(1);
    expect(verifier.fetched).toEqual(['failed']);
  });

  it('trusts no issuer whose certificate it does not know', async () => {
    const stranger = new Issuer(both);
    await stranger.start();
    const verdict = await new Verifying(stranger).verify(await sign('RS256', rsa.privateKey, 'rsa'));
    await stranger.stop();
    expect(verdict).toBe('unavailable');
    expect(stranger.asked).toBe(0);
  });

  it('takes a set of one key for tokens that name none', async () => {
    const verifier = new Verifying(issuer);
    issuer.answer = setOf(jwkOf(rsa.publicKey, 'only'));
    expect(await verifier.verify(await sign('RS256', rsa.privateKey))).toBe('user');
    expect(await verifier.verify(await sign('RS256', foreign.privateKey))).toBe('unauthorized');
  });

  it('does not take a key for another algorithm than the set says', async () => {
    const verifier = new Verifying(issuer);
    issuer.answer = setOf({ ...jwkOf(rsa.publicKey, 'rsa'), alg: 'PS256' }, jwkOf(ec.publicKey, 'ec'));
    expect(await verifier.verify(await sign('RS256', rsa.privateKey, 'rsa'))).toBe('unauthorized');
    expect(await verifier.verify(await sign('ES256', ec.privateKey, 'ec'))).toBe('user');
  });

  it('learns a new key at once, half a minute after the last fetch; one that was taken out is gone then', async () => {
    const clock = new SetClock();
    const verifier = new Verifying(issuer, clock);
    const [old, fresh] = [await sign('RS256', rsa.privateKey, 'rsa'), await sign('RS256', foreign.privateKey, 'new')];
    expect(await verifier.verify(old)).toBe('user');
    issuer.answer = setOf(jwkOf(foreign.publicKey, 'new'));
    clock.seconds = 29.9;
    expect(await verifier.verify(fresh)).toBe('unauthorized');
    expect(await verifier.verify(old)).toBe('user');
    clock.seconds = 30;
    expect(await Promise.all([fresh, fresh, fresh].map((one) => verifier.verify(one)))).toEqual([
      'user',
      'user',
      'user',
    ]);
    expect(await verifier.verify(old)).toBe('unauthorized');
    expect(issuer.asked).toBe(2);
  });

  it('asks again after ten minutes, whatever is known, and goes on with old keys for an hour while the issuer is away', async () => {
    const clock = new SetClock();
    const verifier = new Verifying(issuer, clock);
    const token = await sign('RS256', rsa.privateKey, 'rsa');
    expect(await verifier.verify(token)).toBe('user');
    clock.seconds = 599;
    expect(await verifier.verify(token)).toBe('user');
    expect(issuer.asked).toBe(1);
    issuer.answer = failure;
    for (clock.seconds = 600; clock.seconds < 4_200; clock.seconds += 60)
      expect(await verifier.verify(token)).toBe('user');
    expect(issuer.asked).toBe(61);
    expect(await verifier.verify(token)).toBe('unavailable');
    issuer.answer = both;
    clock.seconds += 30;
    expect(await verifier.verify(token)).toBe('user');
  });

  it('lets nobody wait but who tries, once two fetches have failed; goes on as before when one succeeds', async () => {
    const clock = new SetClock();
    const verifier = new Verifying(issuer, clock);
    issuer.answer = failure;
    const token = await sign('RS256', rsa.privateKey, 'rsa');
    for (clock.seconds = 0; clock.seconds < 60; clock.seconds += 30)
      expect(await verifier.verify(token)).toBe('unavailable');
    expect(verifier.states).toEqual(['open']);
    let answer: () => void = () => undefined;
    issuer.answer = (response) => (answer = () => both(response));
    const trial = verifier.verify(token);
    await until(() => issuer.asked === 3);
    for (let times = 0; times < 100; times += 1) expect(await verifier.verify(token)).toBe('unavailable');
    answer();
    expect(await trial).toBe('user');
    expect(verifier.states).toEqual(['open', 'half_open', 'closed']);
    expect(verifier.fetched).toEqual(['failed', 'failed', 'ok']);
    expect(issuer.asked).toBe(3);
  });

  it('asks a failing issuer once in half a minute, whatever a thousand tokens name; known keys go on (pitfall T5)', async () => {
    const clock = new SetClock();
    const verifier = new Verifying(issuer, clock);
    const known = await sign('RS256', rsa.privateKey, 'rsa');
    expect(await verifier.verify(known)).toBe('user');
    const [, payload, signature] = known.split('.');
    const named = (kid: string): string =>
      [Buffer.from(JSON.stringify({ alg: 'RS256', kid })).toString('base64url'), payload, signature].join('.');
    const burst = (): Promise<string[]> =>
      Promise.all(Array.from({ length: 1_000 }, () => verifier.verify(named(randomUUID()))));
    const oneByOne = async (): Promise<string[]> => {
      const outcomes: string[] = [];
      for (let times = 0; times < 20; times += 1) outcomes.push(await verifier.verify(named(randomUUID())));
      return outcomes;
    };

    issuer.answer = failure;
    expect(new Set(await burst())).toEqual(new Set(['unauthorized']));
    expect(issuer.asked).toBe(1);
    clock.seconds = 30;
    expect(new Set([...(await burst()), ...(await oneByOne())])).toEqual(new Set(['unavailable']));
    expect(issuer.asked).toBe(2);
    expect(await verifier.verify(known)).toBe('user');

    issuer.answer = both;
    clock.seconds = 60;
    expect(await verifier.verify(await sign('ES256', ec.privateKey, 'ec'))).toBe('user');
    expect(issuer.asked).toBe(2); // the set had it, and is not ten minutes old
    expect(await verifier.verify(named(randomUUID()))).toBe('unauthorized');
    expect(issuer.asked).toBe(3);
  });
});
