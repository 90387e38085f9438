import { Client, refusalOf } from '../support/client.js';
import { given } from '../support/given.js';
import { openStack, type OwnGround } from '../support/stack.js';
import { System } from '../support/system.js';
import { tokens } from '../support/tokens.js';
import { until } from '../support/until.js';

describe('nobody else’s data', () => {
  let ground: OwnGround;
  let system: System;

  beforeAll(async () => {
    ground = await openStack();
    // What is logged at any level is searched for tokens when the services stop.
    system = await System.start(ground, { env: { trade: { LOG_LEVEL: 'trace' }, gateway: { LOG_LEVEL: 'trace' } } });
  });
  afterAll(async () => {
    await system?.stop();
    await ground?.close();
  });

  const clientOf = async (userId: string, challengeId: string): Promise<Client> =>
    new Client({ url: system.gatewayUrl, token: await tokens.user(userId), challengeId });

  describe('a handshake is refused', () => {
    const user = given.userId();
    it.each([
      ['without a token', undefined, 'unauthorized'],
      ['with something that is no token', () => 'not.a.token', 'unauthorized'],
      ['with a token signed by somebody else', () => tokens.forged(user), 'unauthorized'],
      ['with alg none', () => tokens.unsigned(user), 'unauthorized'],
      ['with a token for another audience', () => tokens.user(user, { claims: { aud: 'shop' } }), 'unauthorized'],
      ['with a token that never expires', () => tokens.user(user, { livesS: 91 * 86_400 }), 'unauthorized'],
      ['with the token of a service', () => tokens.service(), 'unauthorized'],
      ['with an expired token', () => tokens.expired(user), 'token_expired'],
    ])('%s', async (_, mint, code) => {
      const { data } = await refusalOf(system.gatewayUrl, mint === undefined ? {} : { auth: { token: await mint() } });
      expect(data?.code).toBe(code);
      expect(data?.message).toEqual(expect.any(String));
    });

    it('with a good token from a foreign Origin, by WebSocket and by polling, and from Origin null', async () => {
      const auth = { token: await tokens.user(user) };
      for (const origin of ['https://evil.example', 'null', `http://localhost:1`])
        for (const transport of ['websocket', 'polling']) {
          const refused = await refusalOf(system.gatewayUrl, {
            auth,
            transports: [transport],
            extraHeaders: { origin },
          });
          expect(refused.data).toBeUndefined(); // before socket.io: an HTTP answer
        }
      const polling = `${system.gatewayUrl.replace('ws', 'http')}/socket.io/?EIO=4&transport=polling`;
      const answer = await fetch(polling, { headers: { origin: 'https://evil.example' } });
      expect(answer.status).toBe(403);
      expect(answer.headers.get('access-control-allow-origin')).toBeNull();
    });
  });

  it('another user’s challenge and one that does not exist can not be joined, nor told apart', async () => {
    const own = await system.api.open();
    const owner = await clientOf(own.user_id, own.challenge_id);
    await owner.joined();
    const strangers = [
      await clientOf(given.userId(), own.challenge_id), // the challenge of another user
      await clientOf(given.userId(), given.uuid()), // one that does not exist
    ];
    const refused = async ({ errors }: Client) =>
      until(
        () => errors,
        (list) => list.length >= 2,
        { withinMs: 20_000 },
      );
    const refusals = await Promise.all(strangers.map(refused));
    await system.api.post(own.challenge_id);
    await owner.reached(1);
    for (const client of [...strangers, owner]) client.close();

    const telling = { code: 'forbidden', message: 'Access denied' };
    for (const list of refusals)
      expect(list).toEqual([expect.objectContaining(telling), expect.objectContaining(telling)]);
    for (const { heard } of strangers) expect(heard).toEqual([]);
    expect(owner.handled).toHaveLength(1);
  });

  it('each of many traders gets the events of their own challenge only', async () => {
    const challenges = await Promise.all(Array.from({ length: 8 }, () => system.api.open()));
    const clients = await Promise.all(challenges.map(({ user_id, challenge_id }) => clientOf(user_id, challenge_id)));
    await Promise.all(clients.map((client) => client.joined()));
    for (const realized_pnl of given.swings(4))
      await Promise.all(challenges.map(({ challenge_id }) => system.api.post(challenge_id, { realized_pnl })));
    await Promise.all(clients.map((client) => client.reached(4)));
    for (const client of clients) client.close();
    expect(clients.map(({ foreign }) => foreign)).toEqual(clients.map(() => 0));
    for (const { received } of clients) expect(received.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4]);
  });
});
