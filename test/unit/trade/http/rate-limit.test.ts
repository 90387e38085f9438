import type { Identity } from '@tradesense/auth';
import type { UserId } from '@tradesense/contracts';

import { ProblemError } from '../../../../services/trade/src/http/problem.js';
import { RateLimits } from '../../../../services/trade/src/http/rate-limit.js';
import { HeldClock } from '../../../support/held-clock.js';

const common = { issuer: 'tradesense', issuedAt: 0, expiresAt: 1, tokenId: undefined };
const user = (name: string): Identity => ({ ...common, is: 'user', userId: name as UserId });
const machine = (subject: string): Identity => ({ ...common, is: 'machine', subject, scopes: new Set() });

/** How many of so many requests are let through. */
function passed(limits: RateLimits, identity: Identity, requests: number): number {
  let count = 0;
  for (let asked = 0; asked < requests; asked += 1)
    try {
      limits.take(identity);
      count += 1;
    } catch (error) {
      expect(error).toBeInstanceOf(ProblemError);
      expect((error as ProblemError).code).toBe('rate-limited');
    }
  return count;
}

describe('the rate limit', () => {
  it('lets a second’s requests through, then as many as time passes', async () => {
    const clock = new HeldClock();
    const limits = new RateLimits({ userPerS: 10, machinePerS: 0 }, clock);
    expect(passed(limits, user('a'), 25)).toBe(10);
    await clock.advance(500);
    expect(passed(limits, user('a'), 25)).toBe(5);
    await clock.advance(60_000);
    expect(passed(limits, user('a'), 25)).toBe(10);
  });

  it('is each caller’s own; a service and a user of one name are two', () => {
    const limits = new RateLimits({ userPerS: 3, machinePerS: 5 }, new HeldClock());
    expect([user('a'), user('b'), machine('a')].map((caller) => passed(limits, caller, 9))).toEqual([3, 3, 5]);
  });

  it('says what is left, on every answer', () => {
    const limits = new RateLimits({ userPerS: 2, machinePerS: 0 }, new HeldClock());
    expect(limits.take(user('a'))).toEqual({ 'ratelimit-policy': '"caller";q=2;w=1', ratelimit: '"caller";r=1;t=1' });
    expect(limits.take(machine('any number'))).toEqual({});
  });

  it('remembers 10,000 callers, and forgets the one longest unheard', () => {
    const limits = new RateLimits({ userPerS: 1, machinePerS: 0 }, new HeldClock());
    const heard = (name: string): number => passed(limits, user(name), 1);
    expect([heard('quiet'), heard('busy')]).toEqual([1, 1]);
    for (let other = 0; other < 9_998; other += 1) heard(String(other));
    expect(heard('busy')).toBe(0);
    heard('one more');
    expect([heard('busy'), heard('quiet')]).toEqual([0, 1]);
  });
});
