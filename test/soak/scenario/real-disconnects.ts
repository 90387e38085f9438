import { TcpProxy } from '@tradesense/local';

import { Client } from '../../support/client.js';
import type { History } from '../../support/facts.js';
import { chanceOf } from '../../support/outbox-writers.js';
import { SocketServer } from '../../support/socket-server.js';
import { tokens } from '../../support/tokens.js';
import { until } from '../../support/until.js';
import { inexactness } from './inexactness.js';

export interface RealDisconnectsSeen {
  readonly cuts: number;
  readonly handled: number;
  readonly recovered: number;
  readonly faults: readonly string[];
}

const AT_ONCE = 10;
const LONGEST_CUT_BYTES = 8_000;
const EVENTS_EVERY_MS = 5;
const WITHIN_MS = 60_000;

interface Follower {
  readonly history: History;
  readonly client: Client;
  readonly proxy: TcpProxy;
}

/**
 * Stock clients on real sockets, each behind a proxy that resets its connection after so many bytes, be it in the middle of a
 * handshake, an answer or a frame, while events go on; each comes back by itself, by its cursor.
 */
export async function realDisconnects(cuts: number, seed: number): Promise<RealDisconnectsSeen> {
  const chance = chanceOf(seed);
  const server = await SocketServer.start();
  const followers: Follower[] = [];
  const trading = setInterval(() => {
    for (const { history } of followers) server.trade(history);
  }, EVENTS_EVERY_MS);
  const faults: string[] = [];
  try {
    for (let count = 0; count < Math.min(AT_ONCE, cuts); count += 1) followers.push(await followerOf(server));
    for (let done = 0; done < cuts; done += followers.length)
      await Promise.all(
        followers.slice(0, cuts - done).map(async ({ client, proxy }) => {
          const before = client.joins.length;
          const bytes = 1 + Math.floor(chance() * LONGEST_CUT_BYTES);
          proxy.cutAfter(bytes, 'replies');
          await until(
            () => proxy.connections,
            (open) => open === 0,
            { withinMs: WITHIN_MS, what: 'a cut' },
          );
          await proxy.heal();
          await until(
            () => client.joins.length,
            (joins) => joins > before,
            { withinMs: WITHIN_MS, what: 'a return' },
          );
        }),
      );
    clearInterval(trading);
    for (const { client, history } of followers) await client.reached(history.cursor.sequence, WITHIN_MS);
    for (const { client } of followers) faults.push(...inexactness(client));
    return {
      cuts,
      handled: followers.reduce((sum, { client }) => sum + client.handled.length, 0),
      recovered: followers.reduce((sum, { client }) => sum + client.joins.filter((one) => one.recovered).length, 0),
      faults,
    };
  } finally {
    clearInterval(trading);
    for (const { client } of followers) client.close();
    await Promise.all(followers.map(({ proxy }) => proxy.stop()));
    await server.stop();
  }
}

async function followerOf(server: SocketServer): Promise<Follower> {
  const history = server.challenge();
  const proxy = new TcpProxy({ host: '127.0.0.1', port: server.port });
  await proxy.start();
  const client = new Client({
    url: `ws://127.0.0.1:${proxy.port}`,
    token: await tokens.user(history.userId),
    challengeId: history.challengeId,
    cursor: history.cursor,
  });
  await client.joined();
  return { history, client, proxy };
}
