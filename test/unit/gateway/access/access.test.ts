import type { UserId } from '@tradesense/contracts';

import { addressKey, Bucket, isAllowedOrigin, Pass, Seats } from '../../../../services/gateway/src/access/index.js';

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
    ['::1', '0:0:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::9', '2001:db8:1:2::/64'],
    ['2001:db8::1:2', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    [undefined, 'unknown'],
  ])('%s counts as %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
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
  const takes = (bucket: Bucket, nowMs: number, tries = 1_000): number =>
    Array.from({ length: tries }, () => bucket.take(nowMs)).filter(Boolean).length;

  it('gives 120 at once, then 20 a second', () => {
    const bucket = new Bucket(20, 120, 0);
    expect(takes(bucket, 0)).toBe(120);
    expect(takes(bucket, 1_000)).toBe(20);
    expect(takes(bucket, 1_050)).toBe(1);
    expect(takes(bucket, 60_000)).toBe(120);
  });

  it('gives nothing for a clock that went back', () => {
    const bucket = new Bucket(20, 120, 10_000);
    takes(bucket, 10_000);
    expect(takes(bucket, 0)).toBe(0);
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
    expect(pass.renew(identity({ expiresAt: 2_000 }))).toBe(true);
    expect(pass.at(1_500_000)).toBe('valid');
    expect(pass.renew(identity({ expiresAt: 500 }))).toBe(true);
    expect(pass.at(600_000)).toBe('over');
  });

  it('is not renewed by anybody else’s', () => {
    const pass = new Pass(identity());
    expect(pass.renew(identity({ userId: 'other', expiresAt: 9_000 }))).toBe(false);
    expect(pass.renew(identity({ issuer: 'elsewhere', expiresAt: 9_000 }))).toBe(false);
    expect(pass.renew({ ...identity(), is: 'machine', subject: 'trader', scopes: new Set(['trades:write']) })).toBe(
      false,
    );
    expect(pass.at(1_000_000)).toBe('over');
  });
});
