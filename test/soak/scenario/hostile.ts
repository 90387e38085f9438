import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

import { MEMORY_PRELOAD, memoryOf } from '../../bench/idle/memory.js';
import { Followers } from '../../support/followers.js';
import { aChallengeId, aUserId } from '../../support/facts.js';
import { brokenFrame, clientFrame, mutated, wellFormed } from '../../support/mutations.js';
import { System, type Ground } from '../../support/system.js';
import { tokens } from '../../support/tokens.js';
import { until } from '../../support/until.js';

export interface HostileOptions {
  /** Frames and bodies to be sent in all. */
  readonly frames: number;
  readonly chance: () => number;
  readonly atOnce: number;
  /** Some who poll just stay away, and all must be gone before memory is looked at: that takes half a minute. */
  readonly waits: boolean;
  readonly tell?: (text: string) => void;
}

export interface HostileReport {
  readonly frames: number;
  readonly connections: number;
  /** Resident memory of the gateway after a collection, before and after. */
  readonly beforeMb: number;
  readonly afterMb: number;
  readonly isRunning: boolean;
  /** Of those who only watch: their connections that were lost, and what their events had. */
  readonly lostConnections: number;
  readonly events: number;
  readonly duplicates: number;
  readonly gaps: number;
  readonly partial: number;
  /** Lines of the gateway's log at the level of an error. */
  readonly errors: readonly string[];
}

const BYSTANDERS = 10;
const EVENTS_PER_S = 20;
const MOST_FRAMES = 60;
/** A frame is broken below socket.io's text, in WebSocket's own head. */
const BROKEN = 0.15;
const POLLING = 0.2;
const ABANDONED = 0.5;
const ANSWER_MS = 300;
/** The gateway waits 5 s for a CONNECT, and 30 s for somebody to read on. */
const GONE_WITHIN_MS = 40_000;
const MB = 1024 * 1024;

/**
 * Clients that say what no client would: well-formed messages changed at random, frames with broken heads, bodies of polls, in the
 * middle of handshakes and behind them, and that leave by every way there is. Others watch, and must notice nothing.
 */
export async function hostile(ground: Ground, options: HostileOptions): Promise<HostileReport> {
  const { chance, tell = () => undefined } = options;
  const system = await System.start(ground, {
    services: ['gateway'],
    env: { gateway: { MAX_CONNECTIONS_PER_ADDRESS: '0', MAX_CONNECTIONS_PER_USER: '0', ADMISSION_PER_S: '0' } },
    preload: { gateway: MEMORY_PRELOAD },
  });
  const gateway = system.service('gateway');
  const followers = await Followers.open(ground, { url: system.gatewayUrl, rooms: BYSTANDERS, perRoom: 1 });
  try {
    followers.trade(EVENTS_PER_S);
    const messages = wellFormed(await tokens.user(aUserId()), aChallengeId());
    const attack = { port: system.gatewayPort, messages, chance, abandoned: options.waits ? ABANDONED : 0 };
    const left = async () => ((await gateway.metric('tradesense_gateway_connections')) ?? NaN) - BYSTANDERS;
    const settled = () =>
      until(left, (count) => count === 0 || !options.waits, {
        withinMs: GONE_WITHIN_MS,
        everyMs: 250,
        what: 'all of them are gone',
      });
    let sent = 0;
    let connections = 0;
    let budget = options.frames;
    const assail = async (last: number): Promise<void> => {
      while (sent < last && gateway.isRunning) {
        connections += 1;
        const count = await (chance() < POLLING ? pollBadly(attack) : frameBadly(attack));
        sent += count; // not at once with the waiting: others count meanwhile
        if (connections % 500 === 0) tell(`${sent} frames on ${connections} connections`);
      }
    };
    const all = (last: number) => Promise.all(Array.from({ length: options.atOnce }, () => assail(last)));
    // What a process takes once, it takes for the first ones.
    await all(Math.min(budget * 0.05, 5_000));
    await settled();
    const before = await memoryOf(gateway);
    budget += sent;
    await all(budget);
    await settled();
    const after = await memoryOf(gateway);
    await followers.settle();
    return {
      frames: sent,
      connections,
      beforeMb: before.rss / MB,
      afterMb: after.rss / MB,
      isRunning: gateway.isRunning,
      lostConnections: followers.clients.reduce((total, { outages }) => total + outages.length, 0),
      events: followers.events,
      ...followers.verdict(),
      errors: gateway.lines.filter((line) => line.includes('"level":"error"')),
    };
  } finally {
    await followers.close();
    await system.stop();
  }
}

interface Attack {
  readonly port: number;
  readonly messages: readonly string[];
  readonly chance: () => number;
  readonly abandoned: number;
}

/** @returns how many frames were sent */
async function frameBadly({ port, messages, chance }: Attack): Promise<number> {
  const any = <Item>(items: readonly Item[]): Item => items[Math.floor(chance() * items.length)] as Item;
  const socket = connect({ port, host: '127.0.0.1', noDelay: true });
  socket.on('error', () => undefined); // its close follows
  socket.resume();
  const key = randomBytes(16).toString('base64');
  const upgrade = [
    'GET /socket.io/?EIO=4&transport=websocket HTTP/1.1',
    'Host: x',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Key: ${key}`,
    'Sec-WebSocket-Version: 13',
  ];
  socket.write(`${upgrade.join('\r\n')}\r\n\r\n`);
  await answered(socket);
  if (chance() < 0.7) {
    socket.write(clientFrame(Buffer.from(messages[0] as string), chance));
    await answered(socket);
  }
  const frames = 1 + Math.floor(chance() * MOST_FRAMES);
  for (let count = 0; count < frames && !socket.destroyed; count += 1) {
    const payload = mutated(any(messages), chance);
    socket.write(chance() < BROKEN ? brokenFrame(payload, chance) : clientFrame(payload, chance));
    if (count % 10 === 9) await delay(1);
  }
  const end = chance();
  if (end < 0.3) socket.resetAndDestroy();
  else if (end < 0.5) socket.end(clientFrame(randomBytes(2), chance, 8));
  else if (end < 0.7) socket.end();
  else await answered(socket);
  socket.destroy();
  return frames;
}

/** Until something came, or the end, or a while. */
const answered = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed) return resolve();
    const over = (): void => {
      clearTimeout(timer);
      socket.off('data', over).off('close', over);
      resolve();
    };
    const timer = setTimeout(over, ANSWER_MS);
    socket.once('data', over).once('close', over);
  });

/** @returns how many bodies were sent */
async function pollBadly({ port, messages, chance, abandoned }: Attack): Promise<number> {
  const any = <Item>(items: readonly Item[]): Item => items[Math.floor(chance() * items.length)] as Item;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    const opened = await ask(agent, port, 'GET', '');
    const sid = /"sid":"([^"]+)"/.exec(opened)?.[1] ?? 'none';
    const bodies = 1 + Math.floor(chance() * 10);
    for (let count = 0; count < bodies; count += 1) {
      const id = chance() < 0.1 ? mutated(sid, chance).toString('latin1') : sid;
      const body = chance() < 0.2 ? Buffer.from(messages[0] as string) : mutated(any(messages), chance);
      const records =
        chance() < 0.3 ? Buffer.concat([body, Buffer.from('\u001e'), mutated(any(messages), chance)]) : body;
      await ask(agent, port, chance() < 0.9 ? 'POST' : 'GET', `&sid=${encodeURIComponent(id)}`, records);
    }
    if (chance() >= abandoned) await ask(agent, port, 'POST', `&sid=${sid}`, Buffer.from('1'));
    return bodies;
  } finally {
    agent.destroy();
  }
}

/** Whatever comes back as text; empty where nothing does in time. */
const ask = (agent: Agent, port: number, method: string, more: string, body?: Buffer): Promise<string> =>
  new Promise((resolve) => {
    const path = `/socket.io/?EIO=4&transport=polling${more}`;
    const asked = request({ agent, port, host: '127.0.0.1', method, path, timeout: ANSWER_MS }, (response) => {
      let text = '';
      response.setEncoding('latin1');
      response.on('data', (piece: string) => (text += piece));
      response.on('close', () => resolve(text));
      response.on('error', () => undefined); // its close follows
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', () => resolve(''));
    asked.end(method === 'POST' ? body : undefined);
  });
