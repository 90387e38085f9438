import { identityOf } from '../../../../libs/client/src/connection/token.js';
import { tokenOf } from '../../../support/page.js';

describe('whose token it is', () => {
  it('is issuer and user, whatever else differs', () => {
    expect(identityOf(tokenOf('trader-1', { jti: 'a', exp: 1 }))).toBe(
      identityOf(tokenOf('trader-1', { jti: 'b', exp: 2 })),
    );
  });

  it('differs with the user, and with the issuer of the same user', () => {
    const identities = [tokenOf('trader-1'), tokenOf('trader-2'), tokenOf('trader-1', { iss: 'elsewhere' })].map(
      identityOf,
    );
    expect(new Set(identities).size).toBe(3);
  });

  it('is found in the seed`s user_id as well', () => {
    expect(identityOf(tokenOf('trader-1'))).toBe(
      identityOf(tokenOf('ignored', { sub: undefined, user_id: 'trader-1' })),
    );
  });

  it('reads names beyond ASCII and base64url`s own characters', () => {
    expect(identityOf(tokenOf('žofie-🙂-???>>>'))).toContain('žofie-🙂-???>>>');
  });

  it.each(['', 'x', 'a.b.c', 'a.bnVsbA.c', tokenOf('x', { sub: 7 })])(
    'is the token itself where it can not be read: %j',
    (token) => {
      expect(identityOf(token)).toBe(token);
    },
  );
});
