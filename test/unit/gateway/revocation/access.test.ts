import type { Identity } from '@tradesense/auth';
import { accessKeyOf, readAccessKey, type AccessBlock, type ChallengeId, type UserId } from '@tradesense/contracts';

import { Access, BLIND_AFTER_MS } from '../../../../services/gateway/src/revocation/index.js';
import { HeldClock } from '../../../support/held-clock.js';

const CHALLENGE = '0b6f0a52-5a0e-4b8e-9f39-6a1b1a1d7c11' as ChallengeId;
const NOON_S = Date.UTC(2026, 10, 24, 12) / 1000;
const user = (more: Partial<Identity> = {}): Identity & { readonly is: 'user' } =>
  ({
    is: 'user',
    userId: 'ann' as UserId,
    issuer: 'x',
    issuedAt: NOON_S,
    expiresAt: NOON_S + 1e6,
    tokenId: 'token-1',
    ...more,
  }) as Identity & { readonly is: 'user' };

let clock: HeldClock;
let idleMs: number;
let taken: string[];
let access: Access;
beforeEach(() => {
  clock = new HeldClock();
  idleMs = 0;
  taken = [];
  access = new Access(clock, () => idleMs, { access: (what) => taken.push(what) });
});
const block = (key: string, more: Partial<AccessBlock> = {}) =>
  access.take(key, Buffer.from(JSON.stringify({ expires: '2027-01-01T00:00:00Z', reason: 'r', by: 'b', ...more })));

describe('a block', () => {
  it.each([
    ['of the user', 'user:ann', 'revoked'],
    ['of the token', 'token:token-1', 'revoked'],
    ['of another user', 'user:bob', 'admitted'],
    ['of another token', 'token:token-2', 'admitted'],
    ['of a challenge', `challenge:${CHALLENGE}`, 'admitted'],
  ])('%s decides who comes in', (_, key, standing) => {
    expect(block(key)).toBe('blocked');
    expect(access.standingOf(user())).toBe(standing);
  });

  it('of a challenge closes its room, and that alone', () => {
    block(`challenge:${CHALLENGE}`);
    expect(access.standingAt(CHALLENGE, user())).toBe('revoked');
    expect(access.standingAt('00000000-0000-4000-8000-000000000000' as ChallengeId, user())).toBe('admitted');
  });

  it('with not_before means tokens issued earlier, to the second of their iat', () => {
    block('user:ann', { not_before: '2026-11-24T12:00:00.5Z' });
    expect(access.standingOf(user())).toBe('revoked'); // its iat says 12:00:00, which may be before
    expect(access.standingOf(user({ issuedAt: NOON_S + 1 }))).toBe('admitted');
    expect(access.standingOf(user({ issuedAt: NOON_S - 1 }))).toBe('revoked');
  });

  it('is over when it expires, and a record without a value takes it back', async () => {
    block('user:ann', { expires: '2026-11-25T00:00:01Z' });
    await clock.advance(999);
    expect(access.standingOf(user())).toBe('revoked');
    await clock.advance(1);
    expect(access.standingOf(user())).toBe('admitted');
    block('user:ann');
    expect(access.take('user:ann', null)).toBe('restored');
    expect(access.standingOf(user())).toBe('admitted');
    expect(taken).toEqual(['blocked', 'blocked', 'restored']);
  });

  it('that can not be read shuts out until a readable record takes its place', () => {
    for (const value of [
      '',
      'x',
      'null',
      '[]',
      '{}',
      '{"expires":"soon"}',
      '{"expires":"2027-01-01T00:00:00Z","not_before":7}',
    ]) {
      expect(access.take('user:ann', Buffer.from(value))).toBe('spoilt');
      expect(access.standingOf(user())).toBe('revoked');
      block('user:ann', { expires: '2026-01-01T00:00:00Z' });
      expect(access.standingOf(user())).toBe('admitted');
    }
  });

  it('for nobody changes nothing', () => {
    for (const key of ['', 'user', 'user:', 'challenge:ann', `user:${'x'.repeat(129)}`, 'admin:ann', 'user:a\u0000'])
      expect(access.take(key, Buffer.from('{}'))).toBe('nobody');
    expect(access.blocks.size).toBe(0);
  });

  it('that is over is forgotten', async () => {
    for (let count = 0; count < 100; count += 1) block(`user:${count}`, { expires: '2026-11-25T00:01:00Z' });
    block('user:ann');
    await clock.advance(60_000);
    await access.sweep();
    expect((await access.blocks.list('', 10)).map(({ key }) => key)).toEqual(['user:ann']);
  });

  it('is seen by whoever looks again: the version moves', () => {
    const before = access.version;
    block('user:ann');
    expect(access.version).toBeGreaterThan(before);
  });
});

it('nobody new is let in once the topic has been silent for half a minute; who is shut out stays so', () => {
  block('user:bob');
  idleMs = BLIND_AFTER_MS;
  expect(access.standingOf(user())).toBe('admitted');
  idleMs += 1;
  expect(access.standingOf(user())).toBe('unknown');
  expect(access.standingAt(CHALLENGE, user())).toBe('unknown');
  expect(access.standingOf(user({ userId: 'bob' as UserId }))).toBe('revoked');
});

it('blocks are listed by key, page by page', async () => {
  for (const key of ['user:b', 'token:t', 'user:a']) block(key);
  const first = await access.blocks.list('', 2);
  expect(first.map(({ key }) => key)).toEqual(['token:t', 'user:a']);
  expect(await access.blocks.list('user:a', 2)).toEqual([
    { key: 'user:b', kind: 'user', id: 'b', expires: '2027-01-01T00:00:00Z', reason: 'r', by: 'b' },
  ]);
});

it('keys are read as they are written', () => {
  for (const target of [
    { kind: 'user', id: 'a:b' },
    { kind: 'token', id: '{"x":1}' },
    { kind: 'challenge', id: CHALLENGE },
  ] as const)
    expect(readAccessKey(accessKeyOf(target))).toEqual(target);
});
