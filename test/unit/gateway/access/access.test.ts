import type { UserId } from '@tradesense/contracts';

import {
  addressKey,
  Bucket,
  isAllowedOrigin,
  Pass,
  rateOf,
  Seats,
  TrustedProxies,
  type Rate,
} from '../../../../services/gateway/src/access/index.js';

const nobody = new TrustedProxies([], 'x-forwarded-for');

describe('an Origin', () => {
  const allowed = ['https://ours.com', 'http://localhost:8080'];
  it.each([
    ['https://ours.com', true],
    ['http://localhost:8080', true],
    [undefined, true],
    ['null', false],
    ['', false],
    ['http://ours.com', false],
    ['https://ours.com:443', false],
    ['https://ours.com/', false],
    ['https://evil-ours.com', false],
    ['https://ours.com.evil.com', false],
    ['https://sub.ours.com', false],
    ['HTTPS://OURS.COM', false],
    ['http://localhost', false],
    ['http://localhost:80800', false],
    ['https://ours.com, https://evil.com', false],
    ['*', false],
  ])('%s: let in is %s', (origin, isLetIn) => {
    expect(isAllowedOrigin(origin, allowed)).toBe(isLetIn);
  });

  it('null is refused even if somebody lists it', () => {
    expect(isAllowedOrigin('null', ['null'])).toBe(false);
  });
});

describe('an address', () => {
  it.each([
    ['203.0.113.9', '203.0.113.9'],
    ['::ffff:203.0.113.9', '203.0.113.9'],
    ['::FFFF:cb00:7109', '203.0.113.9'],
    ['0:0:0:0:0:ffff:203.0.113.9', '203.0.113.9'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
    ['2001:db8::1:2', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['0x7f.1', 'unknown'],
    ['010.0.0.1', 'unknown'],
    ['a name', 'unknown'],
    [undefined, 'unknown'],
  ])('%s counts as %s', (address, key) => {
    expect(addressKey(nobody.clientOf(address, {}))).toBe(key);
  });
});

describe('who is behind a proxy', () => {
  const PROXY = '10.0.0.1';
  const behind = (header: string | undefined, peer = PROXY, by: 'x-forwarded-for' | 'forwarded' = 'x-forwarded-for') =>
    addressKey(
      new TrustedProxies(['10.0.0.0/8', '192.0.2.7', '2001:db8:ffff::/48'], by).clientOf(
        peer,
        header === undefined ? {} : { [by]: header },
      ),
    );

  it.each([
    ['the one that it names', '203.0.113.9', '203.0.113.9'],
    ['the right-most one, since those before it anybody may have written', '198.51.100.1, 203.0.113.9', '203.0.113.9'],
    ['the right-most one that is no proxy of ours', '198.51.100.1, 203.0.113.9, 192.0.2.7, 10.9.9.9', '203.0.113.9'],
    ['the first of all, if all are ours', '10.1.1.1,10.2.2.2', '10.1.1.1'],
    ['one with a port', '203.0.113.9:4711', '203.0.113.9'],
    ['IPv6 by its network', '2001:db8:1:2::9', '2001:db8:1:2::/64'],
    ['IPv6 in brackets', '[2001:db8:1:2::9]', '2001:db8:1:2::/64'],
    ['IPv6 in brackets with a port', '[2001:db8:1:2::9]:4711', '2001:db8:1:2::/64'],
    ['IPv4 written as IPv6', '::ffff:203.0.113.9', '203.0.113.9'],
    ['the proxy, if it names nobody', undefined, PROXY],
    ['the proxy, if it names nobody in words', 'unknown', PROXY],
    ['the proxy, if what it names is no address', '203.0.113.9, evil', PROXY],
    ['the proxy, if what it names is an odd spelling', '0x7f.1', PROXY],
    ['the nearest one known, if something before it is no address', "'; drop table, 10.9.9.9", '10.9.9.9'],
    ['the proxy, if it ends in a comma', '203.0.113.9,', PROXY],
  ])('is %s', (_what, header, key) => {
    expect(behind(header)).toBe(key);
  });

  it.each([
    ['for=203.0.113.9', '203.0.113.9'],
    ['for=198.51.100.1, for=203.0.113.9;proto=https;by=10.0.0.1', '203.0.113.9'],
    ['proto=https; For="[2001:db8:1:2::9]:4711"', '2001:db8:1:2::/64'],
    ['for=203.0.113.9, for=192.0.2.7', '203.0.113.9'],
    ['for=unknown', PROXY],
    ['for=_hidden', PROXY],
    ['by=203.0.113.9', PROXY],
    ['notfor=203.0.113.9', PROXY],
    ['for="198.51.100.1, for="[2001:db8:1:2::9]"', '2001:db8:1:2::/64'], // a quote left open hides nothing
    ['for=203.0.113.9;ext="a,b"', PROXY],
  ])('is read from Forwarded where that is the header: %s', (header, key) => {
    expect(behind(header, PROXY, 'forwarded')).toBe(key);
  });

  it('is asked of our proxies only', () => {
    for (const peer of ['203.0.113.9', '11.0.0.1', '::ffff:203.0.113.9', '192.0.2.8'])
      expect(behind('198.51.100.1', peer)).toBe(peer.replace('::ffff:', ''));
    expect(behind('198.51.100.1', '2001:db8:fffe::1')).toBe('2001:db8:fffe:0::/64');
    for (const peer of ['::ffff:10.0.0.1', '192.0.2.7', '2001:db8:ffff::1'])
      expect(behind('198.51.100.1', peer)).toBe('198.51.100.1');
  });

  it('is not read from the other header, which a proxy hands on as it came', () => {
    const proxies = new TrustedProxies([PROXY], 'x-forwarded-for');
    const headers = { forwarded: 'for=198.51.100.1', 'x-forwarded-for': '203.0.113.9' };
    expect(addressKey(proxies.clientOf(PROXY, headers))).toBe('203.0.113.9');
    expect(addressKey(proxies.clientOf(PROXY, { forwarded: 'for=198.51.100.1' }))).toBe(PROXY);
  });

  it('takes no time with the longest header there can be', () => {
    const beganMs = performance.now();
    for (const long of [' '.repeat(16_000), ','.repeat(16_000), '10.0.0.1,'.repeat(1_700), '"\\'.repeat(8_000)])
      for (const by of ['x-forwarded-for', 'forwarded'] as const) behind(`a${long}b`, PROXY, by);
    expect(performance.now() - beganMs).toBeLessThan(200);
  });
});

describe('seats', () => {
  it('are taken up to the limit, per key, and given back once', () => {
    const seats = new Seats(2);
    const leave = seats.take('a');
    seats.take('a');
    expect(seats.take('a')).toBeUndefined();
    expect(seats.take('b')).toBeDefined();
    leave?.();
    leave?.();
    expect(seats.take('a')).toBeDefined();
    expect(seats.take('a')).toBeUndefined();
  });

  it('remember nobody who has left', () => {
    const seats = new Seats(2);
    const leaves = Array.from({ length: 100 }, (_, index) => seats.take(`user-${index}`));
    expect(seats.size).toBe(100);
    for (const leave of leaves) leave?.();
    expect(seats.size).toBe(0);
  });

  it('have no limit at 0', () => {
    const seats = new Seats(0);
    for (let count = 0; count < 1_000; count += 1) expect(seats.take('a')).toBeDefined();
  });
});

describe('a bucket of 20 a second and 120 at once', () => {
  const RATE = rateOf(20, 120) as Rate;
  const takes = (bucket: Bucket, nowMs: number, tries = 1_000): number =>
    Array.from({ length: tries }, () => bucket.take(nowMs)).filter(Boolean).length;

  it('gives 120 at once, then 20 a second', () => {
    const bucket = new Bucket(RATE, 0);
    expect(takes(bucket, 0)).toBe(120);
    expect(takes(bucket, 1_000)).toBe(20);
    expect(takes(bucket, 1_050)).toBe(1);
    expect(takes(bucket, 60_000)).toBe(120);
  });

  it('gives nothing for a clock that went back', () => {
    const bucket = new Bucket(RATE, 10_000);
    takes(bucket, 10_000);
    expect(takes(bucket, 0)).toBe(0);
  });

  it('takes what costs more than all of it only when it is full, and then owes', () => {
    const bucket = new Bucket(RATE, 0);
    expect(bucket.take(0)).toBe(true);
    expect(bucket.take(0, 160)).toBe(false);
    expect(bucket.take(1_000, 160)).toBe(true);
    expect(takes(bucket, 2_900)).toBe(0);
    expect(takes(bucket, 3_075)).toBe(1);
  });

  it('is none at a rate of 0', () => {
    expect(rateOf(0, 0)).toBeUndefined();
  });
});

describe('a pass', () => {
  const identity = (facts: object = {}) => ({
    is: 'user' as const,
    userId: 'trader' as UserId,
    issuer: 'tradesense',
    issuedAt: 0,
    expiresAt: 1_000,
    tokenId: undefined,
    ...facts,
  });

  it('is valid, then about to end for 5 s, then over', () => {
    const pass = new Pass(identity());
    expect([0, 994_999, 995_000, 999_999, 1_000_000].map((ms) => pass.at(ms))).toEqual([
      'valid',
      'valid',
      'ending',
      'ending',
      'over',
    ]);
  });

  it('of 60 days is valid all the time: no timer is set to its end (T3)', () => {
    expect(new Pass(identity({ expiresAt: 60 * 86_400 })).at(59 * 86_400_000)).toBe('valid');
  });

  it('is renewed by a token of the same user and issuer, also a shorter one (T4)', () => {
    const pass = new Pass(identity());
    expect(pass.renew(identity({ expiresAt: 2_000 }), 0)).toBe('ok');
    expect(pass.at(1_500_000)).toBe('valid');
    expect(pass.renew(identity({ expiresAt: 500 }), 0)).toBe('ok');
    expect(pass.at(600_000)).toBe('over');
  });

  it('is not renewed by anybody else’s', () => {
    const pass = new Pass(identity());
    const machine = { ...identity(), is: 'machine' as const, subject: 'trader', scopes: new Set(['trades:write']) };
    for (const other of [
      identity({ userId: 'other', expiresAt: 9_000 }),
      identity({ issuer: 'elsewhere', expiresAt: 9_000 }),
      machine,
    ])
      expect(pass.renew(other, 0)).toBe('forbidden');
    expect(pass.at(1_000_000)).toBe('over');
  });

  it('is not renewed by a token that is over, which the skew lets through', () => {
    const pass = new Pass(identity());
    expect(pass.renew(identity({ expiresAt: 900 }), 900_000)).toBe('token_expired');
    expect(pass.at(900_001)).toBe('valid');
  });
});
