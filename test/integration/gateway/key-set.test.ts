import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { SignJWT } from 'jose';

import { Client, refusalOf } from '../../support/client.js';
import { History, aUserId } from '../../support/facts.js';
import { Feed } from '../../support/feed.js';
import { Issuer, failure, jwkOf, setOf } from '../../support/issuer.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { tokens } from '../../support/tokens.js';

describe('a gateway whose issuer publishes keys', () => {
  const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const issuer = new Issuer(setOf(jwkOf(pair.publicKey, 'of today')));
  const directory = mkdtempSync(join(tmpdir(), 'tradesense-issuer-'));
  let ground: OwnGround;
  let feed: Feed;
  let system: System;

  beforeAll(async () => {
    await issuer.start();
    const certificate = join(directory, 'certificate.pem');
    writeFileSync(certificate, issuer.certificate.cert);
    ground = await openStack();
    feed = new Feed(ground);
    feed.startWatermarks();
    const gateway = { JWT_JWKS_URL: issuer.url, NODE_EXTRA_CA_CERTS: certificate };
    system = await System.start(ground, { services: ['gateway'], env: { gateway } });
  });
  afterAll(async () => {
    await system?.stop();
    await feed?.close();
    await ground?.close();
    await issuer.stop();
    rmSync(directory, { recursive: true });
  });

  const signed = (userId: string, kid: string): Promise<string> =>
    new SignJWT({ sub: userId, iss: 'tradesense', aud: 'tradesense' })
      .setProtectedHeader({ alg: 'RS256', kid })
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(pair.privateKey);

  it('lets in by them and by no secret, asks for them once, and shows how that goes', async () => {
    const history = new History();
    await feed.publish(history.state());
    const token = await signed(history.userId, 'of today');
    const client = new Client({ url: system.gatewayUrl, token, challengeId: history.challengeId });
    await client.joined();
    client.close();
    for (const other of [await tokens.user(aUserId()), await signed(aUserId(), 'of tomorrow')])
      expect((await refusalOf(system.gatewayUrl, { auth: { token: other } })).data?.code).toBe('unauthorized');
    expect(issuer.asked).toBe(1);
    const gateway = system.service('gateway');
    expect(await gateway.metric('tradesense_gateway_key_set_fetches_total', 'ok')).toBe(1);
    expect(await gateway.metric('tradesense_gateway_key_set_fetches_total', 'failed')).toBe(0);
    expect(await gateway.metric('tradesense_gateway_breaker_open', 'key_set')).toBe(0);
  });

  it('blames no token while it can not have them, and asks for them once', async () => {
    issuer.answer = failure;
    issuer.asked = 0;
    await system.service('gateway').stop();
    const gateway = await system.start('gateway');
    const token = await signed(aUserId(), 'of today');
    for (let times = 0; times < 5; times += 1)
      expect((await refusalOf(system.gatewayUrl, { auth: { token } })).data).toMatchObject({
        code: 'unavailable',
        retry_after_ms: expect.any(Number),
      });
    expect(issuer.asked).toBe(1);
    expect(await gateway.metric('tradesense_gateway_handshakes_total', 'keys_unavailable')).toBe(5);
    expect(await gateway.metric('tradesense_gateway_key_set_fetches_total', 'failed')).toBe(1);
    expect(gateway.logged("the issuer's key set was not fetched")).toHaveLength(1);
  });
});
