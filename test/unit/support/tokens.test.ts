import { JWT_SECRET, tokens, tokensIn } from '../../support/tokens.js';

describe('the search for tokens in logs', () => {
  it('finds each kind of token, also a part of one, and the key', async () => {
    const user = await tokens.user('trader-1');
    const unsigned = tokens.unsigned('trader-1');
    const lines = [
      `{"url":"/socket.io/?token=${user}"}`,
      `{"signature":"${user.split('.')[2]}"}`,
      `{"token":"${unsigned}"}`,
      `JWT_SECRET=${JWT_SECRET}`,
    ];
    expect(tokensIn(lines)).toEqual(lines);
  });

  it('leaves lines alone that name users or tokens of nobody', async () => {
    await tokens.service();
    expect(tokensIn(['{"user_id":"trader-1"}', 'eyJhbGciOiJIUzI1NiJ9.e30.x', ''])).toEqual([]);
  });
});
