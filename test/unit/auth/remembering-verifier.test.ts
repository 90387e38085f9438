import { RememberingVerifier, type Verification } from '@tradesense/auth';
import type { UserId } from '@tradesense/contracts';

import { HeldClock } from '../../support/held-clock.js';

class Counted {
  asked = 0;
  answer: Verification = { ok: false, code: 'unauthorized', why: 'test' };
  verify(): Promise<Verification> {
    this.asked += 1;
    return Promise.resolve(this.answer);
  }
}

function scene({ livesS }: { readonly livesS: number }) {
  const clock = new HeldClock();
  const verifier = new Counted();
  const nowS = clock.now() / 1000;
  verifier.answer = {
    ok: true,
    identity: {
      is: 'user',
      userId: 'trader-1' as UserId,
      issuer: 'tradesense',
      issuedAt: nowS,
      expiresAt: nowS + livesS,
      tokenId: undefined,
    },
  };
  return { clock, verifier, remembering: new RememberingVerifier(verifier, clock) };
}

describe('a token that was verified', () => {
  it('is remembered for a minute, so that a key that was taken out does not serve until it expires', async () => {
    const { clock, verifier, remembering } = scene({ livesS: 3_600 });
    const first = await remembering.verify('token');
    await clock.advance(59_999);
    expect(await remembering.verify('token')).toEqual(first);
    expect(verifier.asked).toBe(1);
    await clock.advance(1);
    verifier.answer = { ok: false, code: 'unauthorized', why: 'the key is gone' };
    expect(await remembering.verify('token')).toBe(verifier.answer);
  });

  it('is remembered no longer than it lives, skew included', async () => {
    const { clock, verifier, remembering } = scene({ livesS: 10 });
    await remembering.verify('token');
    await clock.advance(14_999);
    expect(await remembering.verify('token')).toMatchObject({ ok: true });
    verifier.answer = { ok: false, code: 'token_expired', why: 'test' };
    await clock.advance(1);
    expect(await remembering.verify('token')).toBe(verifier.answer);
  });

  it('gives way when 10,000 others were verified since', async () => {
    const { verifier, remembering } = scene({ livesS: 3_600 });
    await remembering.verify('first');
    for (let other = 0; other < 9_999; other += 1) await remembering.verify(`other ${other}`);
    await remembering.verify('first');
    expect(verifier.asked).toBe(10_000);
    await remembering.verify('one more');
    await remembering.verify('first');
    expect(verifier.asked).toBe(10_002);
  });
});

it('a refusal is not remembered', async () => {
  const verifier = new Counted();
  const remembering = new RememberingVerifier(verifier, new HeldClock());
  for (const token of ['token', 'token', undefined]) await remembering.verify(token);
  expect(verifier.asked).toBe(3);
});
