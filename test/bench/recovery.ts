/**
 * How long clients see nothing when the gateway is killed: 2,000 stock clients (four of each of 500 traders) follow 500 challenges
 * by cursor, under 500 events a second; SIGKILL, and the gateway is started again at once, as a supervisor would. Blind is a client
 * from the last message before to the first one after, so at an event a second in each room up to a second of it was before.
 *
 *   npm run bench -- recovery [--rooms 500] [--per-room 4] [--rate 500]
 *
 * The last line printed is JSON. It fails when anything was lost, came twice or in a snapshot's place, or when a twentieth of the
 * clients was blind for more than 10 s.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { blindMs, Followers } from '../support/followers.js';
import { groundOn, privateStack } from '../support/stack.js';
import { System } from '../support/system.js';
import { until } from '../support/until.js';
import { percentile, round, table } from './figures.js';
import { machine } from './scene.js';

const { values } = parseArgs({
  options: {
    rooms: { type: 'string', default: '500' },
    'per-room': { type: 'string', default: '4' },
    rate: { type: 'string', default: '500' },
  },
});
const rooms = Number(values.rooms);
const perRoom = Number(values['per-room']);
const rate = Number(values.rate);

const CALM_MS = 5_000;
const LIMIT_MS = 10_000;
/** As socket.io-client has it where nobody says otherwise. */
const STOCK = { reconnectionDelay: 1_000, reconnectionDelayMax: 5_000, randomizationFactor: 0.5 };
const GATEWAY = { MAX_CONNECTIONS_PER_USER: '0', MAX_CONNECTIONS_PER_ADDRESS: '0', ADMISSION_PER_S: '500' };

async function measure() {
  const stack = await privateStack();
  const ground = groundOn(stack);
  const system = await System.start(ground, { services: ['gateway'], env: { gateway: GATEWAY } });
  try {
    const followers = await Followers.open(ground, { url: system.gatewayUrl, rooms, perRoom, socket: STOCK });
    try {
      followers.trade(rate);
      await delay(CALM_MS);
      process.stderr.write(`${followers.clients.length} clients have joined; the gateway is killed\n`);
      const killedMs = performance.now();
      await system.killAndRespawn('gateway');
      const readyMs = performance.now() - killedMs;
      await until(
        () => followers.clients.filter(({ outages }) => outages[0]?.backMs === undefined).length,
        (away) => away === 0,
        { withinMs: 90_000, everyMs: 100, what: 'everybody is back' },
      );
      await delay(CALM_MS);
      await followers.settle();
      const blind = followers.clients.map(blindMs);
      const refused = followers.clients.reduce((sum, { refusals }) => sum + refusals.length, 0);
      return { blind, readyMs, refused, events: followers.events, ...followers.verdict() };
    } finally {
      await followers.close();
    }
  } finally {
    await system.stop();
    await stack.stop();
  }
}

const { blind, readyMs, refused, events, duplicates, gaps, partial } = await measure();
const at = (share: number): number => round(percentile(blind, share), 0);
console.log(`recovery: ${rooms * perRoom} clients of ${rooms} challenges, ${rate} events/s, SIGKILL; ${machine()}`);
console.log(
  'limits of a user and of an address: off; admission: 500/s; blind: from the last message before to the first one',
);
console.log('after, ms; clients come back as socket.io-client does, and by the hint where they are refused\n');
console.log(
  table(
    ['', 'recovery'],
    [
      ['gateway ready again, ms', round(readyMs, 0)],
      ['blind, p50', at(0.5)],
      ['blind, p95', at(0.95)],
      ['blind, longest', at(1)],
      ['attempts refused by admission', refused],
      ['events', events],
      ['duplicates', duplicates],
      ['gaps', gaps],
      ['clients not given every event', partial],
    ],
  ),
);
console.log(`\n${JSON.stringify({ bench: 'recovery', blind_p95_ms: at(0.95), duplicates, gaps, partial })}`);
if (duplicates + gaps + partial > 0 || !(at(0.95) <= LIMIT_MS)) process.exitCode = 1;
