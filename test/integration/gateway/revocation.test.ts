import { setTimeout as delay } from 'node:timers/promises';

import { topicsOf, type Answer } from '@tradesense/contracts';
import { connectAdmin, connectPublisher } from '@tradesense/kafka';
import { deleteTopic } from '@tradesense/kafka/testing';

import { Client, refusalOf } from '../../support/client.js';
import { History, aUserId } from '../../support/facts.js';
import { Feed } from '../../support/feed.js';
import { Operator } from '../../support/operator.js';
import { SocketServer } from '../../support/socket-server.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { tokens } from '../../support/tokens.js';
import { eachRecord } from '../../support/topic-log.js';
import { until } from '../../support/until.js';

const refused = async (url: string, token: string) => (await refusalOf(url, { auth: { token } })).data;
const UNTIL = '2100-01-01T00:00:00Z';

describe('what operators decide, at the sockets', () => {
  let server: SocketServer;
  const clients: Client[] = [];
  beforeEach(async () => {
    server = await SocketServer.start();
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await server.stop();
  });
  async function clientOf({ userId, challengeId }: History, claims: object = {}): Promise<Client> {
    const token = await tokens.user(userId, { claims: { ...claims } });
    const client = new Client({ url: server.url, token, challengeId });
    clients.push(client);
    return client;
  }

  it('ends the connections of a user, who is told so, gets nothing more and stays away', async () => {
    const history = server.challenge();
    const other = server.challenge();
    const [barred, free] = [await clientOf(history), await clientOf(other)];
    await Promise.all([barred.joined(), free.joined()]);
    server.block('user', history.userId);
    server.trade(history);
    server.trade(other);
    await until(() => !barred.socket.connected && !barred.socket.active);
    expect(barred.heard.slice(-2)).toEqual(['access_revoked', 'error']);
    expect(barred.errors).toEqual([expect.objectContaining({ code: 'unauthorized' })]);
    expect(barred.received).toEqual([]);
    await free.reached(1);
    expect(server.counted('ended revoked')).toBe(1);
    expect(await refused(server.url, await tokens.user(history.userId))).toMatchObject({ code: 'unauthorized' });
    expect(server.counted('handshake revoked')).toBe(1);
  });

  it('reaches a connection to which nothing is sent within 2 s', async () => {
    const client = await clientOf(server.challenge(), { jti: 'the-lost-phone' });
    await client.joined();
    server.block('token', 'the-lost-phone');
    await until(() => client.errors.length > 0, Boolean, { withinMs: 2_000 });
    expect(client.errors[0]).toMatchObject({ code: 'unauthorized' });
  });

  it('with not_before lets in who signs in again', async () => {
    const history = server.challenge();
    const old = await tokens.user(history.userId, { issuedAtS: Math.floor(Date.now() / 1000) - 60 });
    server.block('user', history.userId, { not_before: new Date(Date.now() - 1_000).toISOString() });
    expect(await refused(server.url, old)).toMatchObject({ code: 'unauthorized' });
    const client = await clientOf(history);
    await client.joined();
    const answer = (await client.socket.emitWithAck('refresh_token', { token: old })) as Answer;
    expect(answer).toMatchObject({ ok: false, code: 'unauthorized' });
    server.trade(history);
    await client.reached(1);
  });

  it('empties the room of a challenge and keeps it shut, also for who comes back by cursor (S13)', async () => {
    const history = server.challenge();
    server.trade(history, 3);
    const [inside, away] = [await clientOf(history), await clientOf(history)];
    await Promise.all([inside.joined(), away.joined()]);
    away.socket.disconnect();
    server.block('challenge', history.challengeId);
    server.trade(history);
    await until(() => inside.heard.includes('access_revoked'));
    expect(inside.received).toEqual([]);
    expect(inside.socket.connected).toBe(true);
    away.socket.connect();
    await until(() => away.errors.length > 0);
    expect(away.errors[0]).toMatchObject({ code: 'forbidden', challenge_id: history.challengeId });
    expect(away.received).toEqual([]);
    server.access.take(`challenge:${history.challengeId}`, null);
    const again = await clientOf(history);
    await again.joined();
    expect(again.cursor?.sequence).toBe(4);
  });

  it('lets nobody in, and into no room, while Kafka has been away for half a minute; who is in stays', async () => {
    const history = server.challenge();
    const second = new History();
    second.userId = history.userId;
    server.state(second.state());
    const client = await clientOf(history);
    await client.joined();
    server.accessIdleMs = 30_001;
    expect(await refused(server.url, await tokens.user(aUserId()))).toMatchObject({ code: 'unavailable' });
    expect(server.counted('handshake access_unknown')).toBe(1);
    const answer = (await client.socket.emitWithAck('join_challenge', { challenge_id: second.challengeId })) as Answer;
    expect(answer).toMatchObject({ ok: false, code: 'unavailable' });
    server.trade(history);
    await client.reached(1);
  });

  it('as to an owner that changes while the join is under way: whoever owns it in the end gets it, nobody else anything', async () => {
    const history = new History();
    const former = history.userId;
    const client = await clientOf(history); // waits for the challenge's first record
    await until(() => client.socket.connected);
    server.state(history.state());
    history.userId = aUserId();
    server.event(history.equity());
    server.state(history.state());
    await until(() => client.heard.includes('access_revoked') || client.errors.length > 0);
    await delay(50);
    server.trade(history, 2);
    const owner = await clientOf(history);
    await owner.joined();
    await owner.reached(3);
    expect(client.received).toEqual([]);
    expect(JSON.stringify([...client.joins, ...client.snapshots])).not.toContain(history.userId);
    expect(former).not.toBe(history.userId);
  });
});

describe('an operator, at a gateway on real Kafka', () => {
  let ground: OwnGround;
  let feed: Feed;
  let system: System;
  let anna: Operator;
  const clients: Client[] = [];
  beforeAll(async () => {
    ground = await openStack();
    feed = new Feed(ground);
    feed.startWatermarks();
    system = await System.start(ground, { services: ['gateway'] });
    anna = await Operator.at(() => system.service('gateway'));
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(async () => {
    await system?.stop();
    await feed?.close();
    await ground?.close();
  });
  async function joined(history: History): Promise<Client> {
    const client = new Client({
      url: system.gatewayUrl,
      token: await tokens.user(history.userId),
      challengeId: history.challengeId,
    });
    clients.push(client);
    await client.joined();
    return client;
  }
  async function opened(): Promise<History> {
    const history = new History();
    await feed.publish(history.state());
    return history;
  }

  it('revokes: the open connection ends within 2 s, a gateway started later knows it, and it can be taken back', async () => {
    const history = await opened();
    const client = await joined(history);
    const beganMs = performance.now();
    const reason = 'the account was taken over';
    const answer = await anna.send('POST', '/access/revoke', { user_id: history.userId, expires: UNTIL, reason });
    expect([answer.status, await answer.json()]).toEqual([
      200,
      { key: `user:${history.userId}`, expires: UNTIL, reason, by: 'anna' },
    ]);
    await until(() => client.errors.length > 0);
    expect(performance.now() - beganMs).toBeLessThan(2_000);
    expect(client.errors[0]).toMatchObject({ code: 'unauthorized' });

    await system.killAndRespawn('gateway');
    const token = await tokens.user(history.userId);
    expect(await refused(system.gatewayUrl, token)).toMatchObject({ code: 'unauthorized' });
    expect(await anna.list('/access')).toEqual([
      { key: `user:${history.userId}`, kind: 'user', id: history.userId, expires: UNTIL, reason, by: 'anna' },
    ]);
    await anna.send('POST', '/access/restore', { user_id: history.userId, reason: 'it was a mistake' });
    await until(async () => (await anna.list('/access')).length === 0);
    await joined(history);

    const lines: Record<string, unknown>[] = [];
    await eachRecord(ground.brokers, topicsOf(ground.topicPrefix).audit, ({ value }) =>
      lines.push(JSON.parse(String(value)) as Record<string, unknown>),
    );
    expect(lines).toEqual([
      expect.objectContaining({ who: 'anna', act: 'access-revoke', kind: 'user', id: history.userId, why: reason }),
      expect.objectContaining({ who: 'anna', act: 'access-restore', why: 'it was a mistake' }),
    ]);
  });

  it('need not wait for a backlog: a connection ends while three quarters of the events are still unread', async () => {
    const backlog = 80_000;
    const history = await opened();
    const busy = Array.from({ length: 48 }, () => new History()); // in all partitions
    const client = await joined(history);
    const gateway = system.service('gateway');
    const { access } = topicsOf(ground.topicPrefix);
    const publisher = connectPublisher({ brokers: ground.brokers, clientId: 'test-access' }, { topics: [access] });
    const counted = async (): Promise<{ events: number; blocked: number }> => {
      const text = await gateway.metrics();
      const of = (name: string): number => Number(text.split(`tradesense_gateway_${name} `)[1]?.split('\n')[0]);
      return { events: of('records_total{stream="events"}'), blocked: of('access_records_total{result="blocked"}') };
    };
    try {
      const before = await counted();
      gateway.freeze();
      for (let sent = 0; sent < backlog; sent += 1_000)
        await feed.publish(...Array.from({ length: 1_000 }, (_, index) => busy[index % busy.length]!.equity()));
      const value = Buffer.from(JSON.stringify({ expires: UNTIL, reason: 'stolen', by: 'anna' }));
      await publisher.send([{ topic: access.name, records: [{ key: `user:${history.userId}`, value, headers: {} }] }]);
      gateway.thaw();
      const then = await until(counted, ({ blocked }) => blocked > before.blocked, { everyMs: 5, what: 'blocked' });
      expect(then.events - before.events).toBeLessThan(backlog / 4);
      await until(() => client.errors.length > 0, Boolean, { withinMs: 2_000, what: 'shut out' });
      expect(client.errors[0]).toMatchObject({ code: 'unauthorized' });
      await until(counted, ({ events }) => events - before.events === backlog, {
        what: 'all of it is read in the end',
      });
    } finally {
      gateway.thaw();
      await publisher.close();
    }
  });

  it('shuts a challenge: its room is emptied, the socket stays', async () => {
    const history = await opened();
    const client = await joined(history);
    await anna.send('POST', '/access/revoke', {
      challenge_id: history.challengeId,
      expires: UNTIL,
      reason: 'a dispute',
    });
    await until(() => client.heard.includes('access_revoked'));
    await feed.trade(history);
    expect(client.socket.connected).toBe(true);
    expect(client.received).toEqual([]);
  });

  it('need not do anything about a challenge that changes hands: its room is emptied before the new owner’s is written', async () => {
    const history = await opened();
    const former = await joined(history);
    await feed.trade(history, 2);
    await former.reached(2);
    const change = history.ownerChanged(aUserId());
    await feed.publish(change, history.equity(), history.state());
    await until(() => former.heard.includes('access_revoked'));
    expect(former.received).toHaveLength(2);
    expect(JSON.stringify(former.received.map(({ body }) => body))).not.toContain(history.userId);
    expect(former.socket.connected).toBe(true);
    const owner = await joined(history);
    expect(owner.cursor?.sequence).toBe(4);
    await feed.trade(history);
    await owner.reached(5);
    expect(former.received).toHaveLength(2);
  });

  it('need not do anything about an access topic that was lost and made anew: it is read again, and who was shut out stays so', async () => {
    const gateway = system.service('gateway');
    const connection = { brokers: ground.brokers, clientId: 'test' };
    const { access } = ground.topics;
    const [before, since, free] = [aUserId(), aUserId(), aUserId()];
    for (const user_id of [aUserId(), before]) {
      await anna.send('POST', '/access/revoke', { user_id, expires: UNTIL, reason: 'before' });
      await until(async () => (await anna.list<{ id: string }>('/access')).some(({ id }) => id === user_id));
    }
    gateway.freeze();
    const admin = connectAdmin(connection);
    const publisher = connectPublisher(connection, { topics: [access] });
    try {
      await deleteTopic(connection, access.name);
      await until(async () => (await admin.ensureTopics([access])).length === 1, Boolean, { what: 'it is made anew' });
      const value = JSON.stringify({ expires: UNTIL, reason: 'since', by: 'bert' });
      const record = { key: `user:${since}`, value, headers: {} };
      await until(() => publisher.send([{ topic: access.name, records: [record] }]), Boolean, {
        what: 'it is written',
      });
    } finally {
      gateway.thaw();
      await Promise.all([admin.close(), publisher.close()]);
    }
    await until(() => gateway.logged('the access topic was read again').length > 0, Boolean, { withinMs: 15_000 });
    expect(await gateway.metric('tradesense_gateway_losses_total', 'stream="access",why="truncation"')).toBe(1);
    await until(async () => (await gateway.readiness()).status === 200, Boolean, { what: 'it is ready again' });
    for (const user of [before, since])
      expect(await refused(system.gatewayUrl, await tokens.user(user))).toMatchObject({ code: 'unauthorized' });
    const history = new History(undefined, free);
    await feed.publish(history.state());
    await joined(history);
  });

  it('lists what is known, in order and page by page', async () => {
    const histories = [await opened(), await opened(), await opened()];
    await feed.trade(histories[0]!, 2);
    const all = async () => {
      const items: { challenge_id: string; sequence: number }[] = [];
      for (let next: string | null = ''; next !== null;) {
        const page = (await (await anna.send('GET', `/heads?limit=2&after=${next}`)).json()) as {
          items: typeof items;
          next: string | null;
        };
        items.push(...page.items);
        next = page.next;
      }
      return items;
    };
    await until(all, (items) =>
      items.some(({ challenge_id, sequence }) => challenge_id === histories[0]!.challengeId && sequence === 2),
    );
    const ids = (await all()).map(({ challenge_id }) => challenge_id);
    expect(ids).toEqual([...new Set(ids)].sort());
    expect(ids).toEqual(expect.arrayContaining(histories.map(({ challengeId }) => challengeId)));
  });

  it.each([
    ['without a token', 401, 'unauthenticated', () => Promise.resolve('')],
    ['with a user’s', 403, 'forbidden', () => tokens.user('ann')],
    ['with a reader’s', 403, 'forbidden', () => tokens.operator('bert', 'ops:read')],
  ])('is refused %s', async (_, status, code, mint) => {
    const body = { user_id: 'x', expires: UNTIL, reason: 'r' };
    const answer = await anna.send('POST', '/access/revoke', body, await mint());
    expect([answer.status, await answer.json()]).toEqual([
      status,
      expect.objectContaining({ type: `urn:tradesense:problem:${code}` }),
    ]);
  });

  it.each([
    [{}],
    [[]],
    [{ user_id: 'x', reason: 'r' }],
    [{ user_id: 'x', challenge_id: 'y', expires: UNTIL, reason: 'r' }],
    [{ challenge_id: 'y', expires: UNTIL, reason: 'r' }],
    [{ user_id: 'x', expires: 'tomorrow', reason: 'r' }],
    [{ user_id: 'x', expires: UNTIL, reason: ' ' }],
    [{ user_id: 'x', expires: UNTIL, reason: 'r', not_before: 5 }],
    [{ user_id: 'x', expires: UNTIL, reason: 'r', scope: 'all' }],
  ])('is told what is wrong with %j, and nothing is written', async (body) => {
    const before = await anna.list('/access');
    const answer = await anna.send('POST', '/access/revoke', body);
    expect([answer.status, await answer.json()]).toEqual([
      400,
      expect.objectContaining({ type: 'urn:tradesense:problem:invalid-request' }),
    ]);
    expect(await anna.list('/access')).toEqual(before);
  });
});
