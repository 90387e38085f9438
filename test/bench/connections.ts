/**
 * What an idle connection costs: authenticated raw WebSocket clients, one room each, at the gateway and at a bare socket.io server
 * (`io.use` with HMAC verification, `socket.join`), in turns, each in a fresh process that was warmed by some hundred clients who
 * left again. All challenges are known to the gateway before its base is read, so that connections alone are measured.
 *
 *   npm run bench -- connections [--connections 10000] [--runs 3]
 *
 * The last line printed is JSON with medians. It fails when a connection costs 1.5 KB more than a bare one, or when fewer than
 * 1,000 a second are let in by a gateway without limit.
 */
import { parseArgs } from 'node:util';
import { setTimeout as delay } from 'node:timers/promises';

import { History } from '../support/facts.js';
import { Feed } from '../support/feed.js';
import { ServiceProcess } from '../support/processes.js';
import { groundOn, privateStack } from '../support/stack.js';
import { System } from '../support/system.js';
import { JWT_SECRET } from '../support/tokens.js';
import { until } from '../support/until.js';
import { median, round, table } from './figures.js';
import { Crowd, type IdleUser } from './idle/crowd.js';
import { MEMORY_PRELOAD, memoryOf } from './idle/memory.js';
import { processorSeconds } from './outbox/process-figures.js';
import { machine } from './scene.js';

const AT_ONCE = 100;
const WARMED_BY = 500;
const QUIET_AFTER_MS = 2_000;
/** A round of pings and some: until then what was sent at the join counts as not read. */
const SETTLED_MS = 12_000;
const PUBLISHED_AT_ONCE = 500;
const LIMITS = { beyondBareKb: 1.5, admitPerS: 1_000 };

const { values } = parseArgs({
  options: { connections: { type: 'string', default: '10000' }, runs: { type: 'string', default: '3' } },
});
const connections = Number(values.connections);
const runs = Number(values.runs);

interface Turn {
  readonly kb: number;
  readonly heapKb: number;
  readonly admitPerS: number;
  /** Processor time of a connection, from its first byte to its joined room. */
  readonly admitMs: number;
  readonly idlePercent: number;
}
interface Contender {
  readonly name: 'gateway' | 'bare';
  start(): Promise<{ readonly service: ServiceProcess; readonly url: string }>;
}

async function measure({ start }: Contender, users: readonly IdleUser[]): Promise<Turn> {
  const { service, url } = await start();
  const crowd = new Crowd();
  try {
    await crowd.open(url, users.slice(0, WARMED_BY), AT_ONCE);
    await crowd.leave();
    await delay(2_000); // what closes late has closed
    const base = await memoryOf(service);
    const processorBefore = processorSeconds(service.pid);
    const tookMs = await crowd.open(url, users, AT_ONCE);
    const admitS = processorSeconds(service.pid) - processorBefore;
    await delay(QUIET_AFTER_MS);
    const idleFrom = { processorS: processorSeconds(service.pid), atMs: performance.now() };
    await delay(SETTLED_MS);
    const idleS = processorSeconds(service.pid) - idleFrom.processorS;
    const idlePercent = (idleS / ((performance.now() - idleFrom.atMs) / 1_000)) * 100;
    const full = await memoryOf(service);
    const joined = await crowd.joined();
    if (joined !== users.length) throw new Error(`${joined} of ${users.length} connections are left`);
    return {
      kb: (full.rss - base.rss) / users.length / 1024,
      heapKb: (full.heap - base.heap) / users.length / 1024,
      admitPerS: users.length / (tookMs / 1_000),
      admitMs: (admitS * 1_000) / users.length,
      idlePercent,
    };
  } finally {
    await service.kill(); // a drain would be another bench
    crowd.close();
  }
}

async function bareServer(): Promise<{ service: ServiceProcess; url: string }> {
  const service = await ServiceProcess.start({
    name: 'bare socket.io',
    entry: 'test/dist/bench/idle/bare-server.js',
    preload: MEMORY_PRELOAD,
    env: { JWT_SECRET },
  });
  await until(
    () => service.logged('listening').length,
    (count) => count > 0,
  );
  return { service, url: `ws://127.0.0.1:${service.port}` };
}

async function run(): Promise<Readonly<Record<Contender['name'], readonly Turn[]>>> {
  const stack = await privateStack();
  const ground = groundOn(stack);
  const feed = new Feed(ground);
  const histories = Array.from({ length: connections }, () => new History());
  const users = histories.map(({ userId, challengeId }) => ({ userId, challengeId }));
  const turns: Record<Contender['name'], Turn[]> = { gateway: [], bare: [] };
  const gateway = async (): Promise<{ service: ServiceProcess; url: string }> => {
    const none = { ADMISSION_PER_S: '0', MAX_CONNECTIONS_PER_USER: '0', MAX_CONNECTIONS_PER_ADDRESS: '0' };
    const system = await System.start(ground, {
      services: ['gateway'],
      env: { gateway: none },
      preload: { gateway: MEMORY_PRELOAD },
    });
    const service = system.service('gateway');
    await until(
      () => service.metric('tradesense_gateway_rooms'),
      (rooms) => rooms === connections,
      { withinMs: 60_000, everyMs: 250, what: 'all challenges are known' },
    );
    return { service, url: system.gatewayUrl };
  };
  try {
    for (let from = 0; from < connections; from += PUBLISHED_AT_ONCE)
      await feed.publish(...histories.slice(from, from + PUBLISHED_AT_ONCE).map((history) => history.state()));
    feed.startWatermarks();
    const contenders: readonly Contender[] = [
      { name: 'gateway', start: gateway },
      { name: 'bare', start: bareServer },
    ];
    for (let turn = 1; turn <= runs; turn += 1)
      for (const contender of contenders) {
        turns[contender.name].push(await measure(contender, users));
        process.stderr.write(`run ${turn} of ${runs}, ${contender.name}: done\n`);
      }
    return turns;
  } finally {
    await feed.close();
    await stack.stop();
  }
}

const turns = await run();
const medianOf = (name: Contender['name'], read: (turn: Turn) => number): number => median(turns[name].map(read));
const cells = (kb: number, heapKb: number, admitPerS: number, admitMs: number, idle: number): (string | number)[] => [
  round(kb, 2),
  round(heapKb, 2),
  round(admitPerS, 0),
  round(admitMs, 2),
  round(idle),
];
const kb = round(
  medianOf('gateway', (turn) => turn.kb),
  2,
);
const bareKb = round(
  medianOf('bare', (turn) => turn.kb),
  2,
);
const admitPerS = round(
  medianOf('gateway', (turn) => turn.admitPerS),
  0,
);
const missed = [
  ...(kb > bareKb + LIMITS.beyondBareKb ? [`${kb} KB, a bare connection has ${bareKb}`] : []),
  ...(admitPerS < LIMITS.admitPerS ? [`${admitPerS} a second were let in`] : []),
];
console.log(`connections: ${connections} idle, ${AT_ONCE} at a time let in, ${runs} runs of each; ${machine()}`);
console.log(
  'limits of admission, of a user and of an address: off; KB: resident and on the heap after a forced collection,',
);
console.log(
  'per connection, rooms known before; admission: from the first connect to the last joined room; ms: processor of',
);
console.log('the server for one of them; idle: % of a core with all connected, a ping every 10 s each\n');
console.log(
  table(
    ['', 'KB', 'heap KB', 'let in/s', 'ms', 'idle %'],
    (['gateway', 'bare'] as const).flatMap((name) => [
      ...turns[name].map((turn, index) => [
        `${name} ${index + 1}`,
        ...cells(turn.kb, turn.heapKb, turn.admitPerS, turn.admitMs, turn.idlePercent),
      ]),
      [
        `${name}, median`,
        ...cells(
          medianOf(name, (turn) => turn.kb),
          medianOf(name, (turn) => turn.heapKb),
          medianOf(name, (turn) => turn.admitPerS),
          medianOf(name, (turn) => turn.admitMs),
          medianOf(name, (turn) => turn.idlePercent),
        ),
      ],
    ]),
  ),
);
for (const one of missed) console.log(`MISSED: ${one}`);
console.log(
  `\n${JSON.stringify({ bench: 'connections', connections, kb_per_connection: kb, bare_kb: bareKb, admit_per_s: admitPerS })}`,
);
if (missed.length > 0) process.exitCode = 1;
