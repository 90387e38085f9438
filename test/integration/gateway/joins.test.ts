import { setTimeout as delay } from 'node:timers/promises';

import type { Cursor } from '@tradesense/contracts';

import { Client } from '../../support/client.js';
import { EPOCH, History } from '../../support/facts.js';
import { Feed } from '../../support/feed.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { tokens } from '../../support/tokens.js';
import { until } from '../../support/until.js';

/** Events a second, in pieces of so many. */
const RATE = 1_000;
const PIECE = 20;
/** The ring's base: what was before it this gateway never heard of. */
const B = 10;
const AT_REST = 20;

const at = (sequence: number, epoch = EPOCH): Cursor => ({ epoch, sequence });

/** Case 8: history is read while live events come. */
describe('a join with a cursor', () => {
  let ground: OwnGround;
  let feed: Feed;
  let system: System;
  let history: History;
  const clients: Client[] = [];
  beforeAll(async () => {
    ground = await openStack();
    feed = new Feed(ground);
    feed.startWatermarks();
    const env = { MAX_CONNECTIONS_PER_USER: '0' };
    system = await System.start(ground, { services: ['gateway'], env: { gateway: env } });
  });
  beforeEach(async () => {
    history = new History();
    for (let sequence = 1; sequence <= B; sequence += 1) history.equity();
    await feed.trade(history, AT_REST);
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.close();
  });
  afterAll(async () => {
    await system?.stop();
    await feed?.close();
    await ground?.close();
  });

  async function join(cursor?: Cursor): Promise<Client> {
    const { userId, challengeId } = history;
    const more = cursor === undefined ? {} : { cursor };
    const client = new Client({ url: system.gatewayUrl, token: await tokens.user(userId), challengeId, ...more });
    clients.push(client);
    await client.joined();
    return client;
  }
  /** By the rule, with nothing twice and nothing left out, the answer first, and never what it had itself. */
  function isExact(client: Client, from: number): void {
    expect(client.heard[0]).toBe('joined_challenge');
    expect([client.duplicates, client.gaps]).toEqual([[], []]);
    expect(client.handled[0]?.prev ?? from).toBeLessThanOrEqual(from);
    expect(client.handled.every(({ sequence }) => sequence > from)).toBe(true);
  }

  const h = B + AT_REST;
  it.each([
    ['h', h, 0],
    ['h - 1', h - 1, 1],
    ['b', B, AT_REST],
  ])('at rest, at %s, continues: %i has %i frames, none bridged', async (_, sequence, frames) => {
    await (await join()).reached(h);
    const client = await join(at(sequence));
    await feed.trade(history);
    await client.reached(h + 1);
    expect(client.joins).toEqual([expect.objectContaining({ recovered: true })]);
    expect(client.handled.map((event) => event.sequence)).toEqual(
      Array.from({ length: frames + 1 }, (__, index) => sequence + 1 + index),
    );
    expect([client.bridged, client.snapshots]).toEqual([0, []]);
    isExact(client, sequence);
  });

  it.each([
    ['without one', undefined, 'no_cursor'],
    ['at b - 1', at(B - 1), 'too_old'],
    ['of the epoch before', at(h, EPOCH - 1), 'epoch'],
  ])('at rest, %s, is given the state', async (_, cursor, reason) => {
    await (await join()).reached(h);
    const client = await join(cursor);
    await feed.trade(history);
    await client.reached(h + 1);
    expect(client.joins).toEqual([
      expect.objectContaining({ recovered: false, reason, snapshot: expect.objectContaining({ sequence: h }) }),
    ]);
    expect(client.handled.map(({ sequence }) => sequence)).toEqual([h + 1]);
    isExact(client, h);
  });

  it.each([
    ['at h + 3', at(h + 3)],
    ['of the epoch after', at(0, EPOCH + 1)],
  ])(
    'at rest, %s, is stale and told nothing until it is passed, and never a snapshot below the cursor',
    async (_, cursor) => {
      await (await join()).reached(h);
      const client = await join(cursor);
      expect(client.joins[0]).toMatchObject({ recovered: false, reason: 'behind' });
      expect(client.joins[0]).not.toHaveProperty('snapshot');
      await until(
        () => client.freshness.at(-1),
        (last) => last?.state === 'stale' && last.reason === 'behind',
      );
      if (cursor.epoch === EPOCH) await feed.trade(history, 3);
      await feed.trade(new History()); // time for what must not come
      expect([client.received, client.snapshots]).toEqual([[], []]);
      if (cursor.epoch > EPOCH) history.rewind();
      await feed.trade(history, 2);
      await client.reached(history.cursor.sequence);
      await until(() => client.isLive, Boolean, { what: 'live' });
      for (const { epoch, sequence } of client.snapshots) {
        expect(epoch).toBe(cursor.epoch);
        expect(sequence).toBeGreaterThanOrEqual(cursor.sequence);
      }
      isExact(client, cursor.sequence);
    },
  );

  it('while 1,000 events a second come is the same: exact from the cursor, or the state; live goes on where it ended', async () => {
    const watch = await join();
    let isOver = false;
    const first = history.cursor.sequence;
    const beganMs = performance.now();
    const load = (async () => {
      for (let piece = 0; !isOver; piece += 1) {
        await feed.trade(history, PIECE);
        await delay(beganMs + (piece * PIECE * 1_000) / RATE - performance.now());
      }
    })();
    const joins: { readonly client: Client; readonly from: Cursor | undefined; readonly how: string }[] = [];
    const head = (): number => watch.cursor?.sequence ?? 0;
    for (let round = 0; round < 4; round += 1) {
      await until(head, (sequence) => sequence >= first + 400 * (round + 1));
      const plans: readonly (readonly [Cursor | undefined, string])[] = [
        [at(head()), 'recovered'],
        [at(head() - 1), 'recovered'],
        [at(B), 'recovered'],
        [at(B - 1), 'too_old'],
        [at(head() + RATE), 'behind'],
        [at(head(), EPOCH - 1), 'epoch'],
        [undefined, 'no_cursor'],
      ];
      const made = plans.map(async ([from, how]) => ({ client: await join(from), from, how }));
      joins.push(...(await Promise.all(made)));
    }
    const passed = history.cursor.sequence + RATE;
    await until(head, (sequence) => sequence >= passed, { what: 'everybody who was ahead is passed' });
    isOver = true;
    await load;
    expect(((history.cursor.sequence - first) / (performance.now() - beganMs)) * 1_000).toBeGreaterThan(RATE / 2);
    const last = history.cursor.sequence;
    for (const { client, from, how } of joins) {
      await client.reached(last);
      const [joined] = client.joins;
      expect(joined?.recovered === true ? 'recovered' : joined?.reason).toBe(how);
      const start = joined?.snapshot ?? (how === 'behind' ? client.snapshots[0] : undefined) ?? from;
      expect(joined?.snapshot !== undefined).toBe(['too_old', 'epoch', 'no_cursor'].includes(how));
      isExact(client, start?.sequence ?? 0);
      if (how === 'behind')
        for (const { sequence } of client.snapshots) expect(sequence).toBeGreaterThanOrEqual(from?.sequence ?? 0);
      expect(client.joins).toHaveLength(1);
    }
  });
});
