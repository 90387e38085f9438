import pg from 'pg';
import { io } from 'socket.io-client';

import { Client } from '../support/client.js';
import { given } from '../support/given.js';
import { RawSocket } from '../support/raw-socket.js';
import { openStack, type OwnGround } from '../support/stack.js';
import { System } from '../support/system.js';
import { tokens } from '../support/tokens.js';
import { until } from '../support/until.js';

/** The fields that the seed's reference lists for EQUITY_UPDATED, and the three that every event of ours has besides. */
const SEED_FIELDS = [
  'challenge_id',
  'user_id',
  'previous_equity',
  'current_equity',
  'max_equity_ever',
  'daily_start_equity',
  'daily_max_equity',
  'daily_min_equity',
  'total_pnl',
  'total_trades',
  'last_trade_at',
  'trade_pnl',
  'trade_symbol',
  'executed_at',
];
const ENVELOPE = ['event_id', 'epoch', 'sequence'];

describe('a posted trade', () => {
  let ground: OwnGround;
  let system: System;
  let database: pg.Client;

  beforeAll(async () => {
    ground = await openStack();
    // What is logged at any level is searched for tokens when the services stop.
    system = await System.start(ground, { env: { trade: { LOG_LEVEL: 'trace' }, gateway: { LOG_LEVEL: 'trace' } } });
    database = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
    await database.connect();
  });
  afterAll(async () => {
    await database?.end();
    await system?.stop();
    await ground?.close();
  });

  it("arrives as equity_updated: the seed's fields, the seed's figures", async () => {
    const { challenge_id, user_id } = await system.api.open();
    const client = new Client({ url: system.gatewayUrl, token: await tokens.user(user_id), challengeId: challenge_id });
    await client.joined();
    const executed_at = new Date(Date.now() - 2_000).toISOString();
    const answer = await system.api.post(challenge_id, { realized_pnl: '200.00', symbol: 'EURUSD', executed_at });
    await client.reached(1);
    client.close();

    expect(client.handled).toHaveLength(1);
    const { name, body } = client.handled[0]!;
    expect(name).toBe('equity_updated');
    expect(Object.keys(body).sort()).toEqual([...SEED_FIELDS, ...ENVELOPE].sort());
    expect(body).toMatchObject({
      challenge_id,
      user_id,
      previous_equity: '10000.00',
      current_equity: '10200.00',
      max_equity_ever: '10200.00',
      daily_start_equity: '10000.00',
      daily_max_equity: '10200.00',
      daily_min_equity: '10000.00',
      total_pnl: '200.00',
      total_trades: 1,
      trade_pnl: '200.00',
      trade_symbol: 'EURUSD',
      sequence: 1,
      event_id: answer.events[0]?.event_id,
    });
    expect(Date.parse(String(body['executed_at']))).toBe(Date.parse(executed_at));
  });

  it('arrives byte for byte as it was committed', async () => {
    const { challenge_id, user_id } = await system.api.open();
    const socket = await RawSocket.open(system.gatewayUrl, await tokens.user(user_id));
    socket.send(`42["join_challenge",${JSON.stringify({ challenge_id })}]`);
    await socket.hears((text) => text.startsWith('42["joined_challenge"'));
    await system.api.post(challenge_id, { symbol: 'Gold – 金 "spot"', realized_pnl: '-0.01' });
    const frame = await socket.hears((text) => text.startsWith('42["equity_updated"'));
    socket.end();

    const { rows } = await database.query<{ payload: string }>(
      `select payload::text as payload from outbox where aggregateid = $1 and type = 'EQUITY_UPDATED'`,
      [challenge_id],
    );
    expect(frame).toBe(`42["equity_updated",${rows[0]?.payload}]`);
  });

  it("arrives at the seed's own client lines, unchanged", async () => {
    const { challenge_id: challengeId, user_id } = await system.api.open();
    const jwtToken = await tokens.seedUser(user_id);
    const seen: Record<string, unknown>[] = [];
    const setEquityData = (data: Record<string, unknown>) => seen.push(data);

    // The lines as the seed has them; the port is this test's own.
    const socket = io(`ws://localhost:${system.gatewayPort}`, {
      query: { token: jwtToken },
    });
    socket.on('equity_updated', (data) => {
      setEquityData(data);
    });
    socket.emit('join_challenge', { challenge_id: challengeId });

    try {
      const joined = new Promise((resolve) => socket.once('joined_challenge', resolve));
      await joined;
      await system.api.post(challengeId, { realized_pnl: '200.00' });
      await until(
        () => seen.at(-1)?.['current_equity'],
        (equity) => equity === '10200.00',
      );
      expect(seen).toHaveLength(1);
    } finally {
      socket.disconnect();
    }
  });

  it('arrives over polling as over WebSocket', async () => {
    const { challenge_id, user_id } = await system.api.open();
    const client = new Client({
      url: system.gatewayUrl,
      token: await tokens.user(user_id),
      challengeId: challenge_id,
      socket: { transports: ['polling'] },
    });
    await client.joined();
    for (const realized_pnl of given.swings(6)) await system.api.post(challenge_id, { realized_pnl });
    await client.reached(6);
    client.close();
    expect(client.handled.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(client.bridged).toBe(0);
  });

  it('is in the snapshot of whoever joins after it has arrived, and freshness says live', async () => {
    const { challenge_id, user_id } = await system.api.open();
    const clientOf = async () =>
      new Client({ url: system.gatewayUrl, token: await tokens.user(user_id), challengeId: challenge_id });
    const early = await clientOf();
    await early.joined();
    const { events } = await system.api.post(challenge_id, { realized_pnl: '-450.00' });
    expect(events.map(({ type }) => type)).toEqual(['EQUITY_UPDATED', 'RISK_ALERT']);
    await early.reached(2);

    // A state may come behind its events: until then the snapshot is the one before, and the events follow it.
    const late = await until(
      async () => {
        const client = await clientOf();
        if ((await client.joined()).snapshot?.sequence !== 2) client.close();
        return client;
      },
      ({ socket }) => socket.connected,
      { what: 'the state behind the events' },
    );
    const { snapshot, ...joined } = await late.joined();
    await until(() => late.isLive, Boolean, { what: 'freshness live' });
    for (const client of [early, late]) client.close();
    expect(joined).toMatchObject({ challenge_id, sequence: 2, recovered: false, reason: 'no_cursor' });
    expect(snapshot).toMatchObject({
      equity: { current_equity: '9550.00' },
      open_alerts: [{ drawdown_percentage: '4.50', threshold_percentage: '5.00', severity: 'MEDIUM' }],
    });
    expect(late.received).toEqual([]);
  });
});
