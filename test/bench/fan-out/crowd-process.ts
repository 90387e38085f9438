/** The clients of `-- gateway`, one in each room, in a process of their own. */
import { WebSocket } from 'ws';

import { LightClient } from '../../support/light-client.js';
import { tokens } from '../../support/tokens.js';
import { until } from '../../support/until.js';
import { percentile } from '../figures.js';
import { serve } from '../child.js';
import type { CrowdAsk, Heard, Seat } from './messages.js';

const AT_ONCE = 50;
const STAMP = '"sent_ns":';

let leave = (): void => undefined;
let latenciesMs: number[] = [];
let collapsed = 0;

function heard(text: string): void {
  const at = text.lastIndexOf(STAMP);
  if (at < 0) return;
  latenciesMs.push(Number(process.hrtime.bigint() - BigInt(parseInt(text.slice(at + STAMP.length), 10))) / 1e6);
  if (text.includes('"prev_sequence"', at)) collapsed += 1;
}

async function openAll(url: string, speaks: 'socket.io' | 'websocket', seats: readonly Seat[]): Promise<void> {
  const open = speaks === 'socket.io' ? await socketIo(url, seats) : webSocket(url);
  for (let from = 0; from < seats.length; from += AT_ONCE)
    await Promise.all(seats.slice(from, from + AT_ONCE).map((seat) => open(seat)));
}

async function socketIo(url: string, seats: readonly Seat[]): Promise<(seat: Seat) => Promise<void>> {
  const clients: LightClient[] = [];
  const signed = new Map(
    await Promise.all(seats.map(async ({ userId }) => [userId, await tokens.user(userId)] as const)),
  );
  leave = () => clients.forEach((client) => client.drop());
  return async ({ userId, challengeId }) => {
    const client = new LightClient({ url, token: signed.get(userId) ?? '', challengeId, heard });
    clients.push(client);
    client.connect();
    await until(() => client.isJoined);
  };
}

function webSocket(url: string): (seat: Seat) => Promise<void> {
  const sockets: WebSocket[] = [];
  leave = () => sockets.forEach((socket) => socket.terminate());
  return ({ challengeId }) =>
    new Promise((resolve, reject) => {
      const socket = new WebSocket(`${url}/?room=${challengeId}`, {
        perMessageDeflate: false,
        skipUTF8Validation: true,
      });
      sockets.push(socket);
      socket.on('message', (data: Buffer) => heard(data.toString('latin1')));
      socket.once('open', resolve);
      socket.once('error', reject);
    });
}

function forget(): void {
  latenciesMs = [];
  collapsed = 0;
}

function read(): Heard {
  const [came, bridged] = [latenciesMs, collapsed];
  forget();
  return { messages: came.length, collapsed: bridged, p50Ms: percentile(came, 0.5), p99Ms: percentile(came, 0.99) };
}

serve<CrowdAsk>(async (ask) => {
  if (ask.act === 'open') await openAll(ask.url, ask.speaks, ask.seats);
  else if (ask.act === 'leave') leave();
  else if (ask.act === 'forget') forget();
  else return read();
  return undefined;
});
