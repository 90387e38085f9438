import { setTimeout as delay } from 'node:timers/promises';

import { WebSocket } from 'ws';

import { Seats } from '../../services/gateway/src/access/index.js';
import { chanceOf } from './outbox-writers.js';
import { History } from './facts.js';
import { SocketServer } from './socket-server.js';
import { tokens } from './tokens.js';
import { until } from './until.js';

export interface ChurnOptions {
  readonly connections: number;
  readonly atOnce: number;
  readonly seed: number;
}

/** Where a client is cut off: at once, or up to some milliseconds later. */
const CUTS = ['opening', 'opened', 'connecting', 'connected', 'joining', 'joined'] as const;
const LATEST_MS = 4;
/** A challenge that is not known is never joined: its client goes all the same. */
const LONGEST_MS = 50;

interface Visit {
  readonly url: string;
  readonly token: string;
  readonly challengeId: string;
  readonly cut: (typeof CUTS)[number];
  readonly cutAfterMs: number;
}

/** Goes as far as its cut; resolves when its socket is gone. */
function visit({ url, token, challengeId, cut, cutAfterMs }: Visit): Promise<void> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${url}/socket.io/?EIO=4&transport=websocket`, { perMessageDeflate: false });
    const reached = (place: (typeof CUTS)[number]): void => {
      if (place === cut) void delay(cutAfterMs).then(() => socket.terminate());
    };
    const send = (text: string): void => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    };
    socket.on('error', () => undefined); // its close follows
    socket.on('close', () => resolve());
    socket.on('message', (data: Buffer) => {
      const text = data.toString();
      if (text.startsWith('0')) {
        reached('opened');
        send(`40${JSON.stringify({ token })}`);
        reached('connecting');
      } else if (text.startsWith('40')) {
        reached('connected');
        send(`42${JSON.stringify(['join_challenge', { challenge_id: challengeId }])}`);
        reached('joining');
      } else if (text.startsWith('42')) reached('joined');
    });
    reached('opening');
    if (cut === 'joined') void delay(LONGEST_MS).then(() => socket.terminate());
  });
}

/**
 * Connections that are cut off anywhere between their first byte and their joined room, half of them on their way
 * into a challenge that becomes known only when they have gone.
 * @returns what was left behind, in words
 */
export async function churn({ connections, atOnce, seed }: ChurnOptions): Promise<readonly string[]> {
  const users = new Seats(0);
  const chance = chanceOf(seed);
  const random = (limit: number): number => chance() * limit;
  const server = await SocketServer.start({
    // Seats are counted elsewhere: by the time there is one, whoever asked for it may be gone.
    users: { take: (userId) => delay(random(LATEST_MS)).then(() => users.take(userId)) },
    // A seat that is not given back is missed by those who come later.
    maxConnectionsPerAddress: 2 * atOnce,
    maxConnections: 2 * atOnce,
  });
  try {
    const histories = Array.from({ length: 20 }, () => server.challenge());
    let begun = 0;
    const one = async (): Promise<void> => {
      while (begun < connections) {
        begun += 1;
        const isKnown = random(1) < 0.5;
        const history = isKnown ? histories[Math.floor(random(histories.length))]! : new History();
        await visit({
          url: server.url,
          token: await tokens.user(history.userId),
          challengeId: history.challengeId,
          cut: CUTS[Math.floor(random(CUTS.length))]!,
          cutAfterMs: Math.floor(random(LATEST_MS)),
        });
        if (isKnown) continue;
        server.state(history.state()); // too late: whoever waited for it has gone
        histories.push(history);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, one));
    const left = async (): Promise<readonly string[]> => {
      const rooms = await Promise.all(
        histories.map(({ challengeId, userId }) => server.rooms.owned(challengeId, userId, 0)),
      );
      const counts: readonly (readonly [string, number])[] = [
        ['connections', server.connections.size],
        ['sockets', (await server.sockets()).length],
        ['engine connections', server.engineConnections],
        ['members', rooms.reduce((sum, room) => sum + (room?.members.length ?? NaN), 0)],
        ['challenges awaited', server.rooms.awaited],
        ['users with seats', users.size],
        ['seats at the door', server.connections.door.taken],
        ['turned away', server.counted('turned away per_address') + server.counted('turned away in_all')],
      ];
      return counts.flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what}`]));
    };
    return await until(left, ({ length }) => length === 0, { what: 'nothing is left' }).catch(left);
  } finally {
    await server.stop();
  }
}
