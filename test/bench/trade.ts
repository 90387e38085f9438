/**
 * How many trades a second PostgreSQL, the plain way and this service write, in turns on one database: pgbench with the same rows,
 * one trade per transaction, 8 clients; a Nest controller with TypeORM, one transaction per request, a pool of 20; the service
 * with single posts, with lists of 100, with single posts on one challenge, and at half of what it can.
 *
 *   npm run bench -- trade [--rounds 3] [--seconds 8] [--only pgbench,plain,single,list,hot,half]
 *
 * PostgreSQL waits for the disk; no relay and no Kafka run. The last line printed is JSON with medians of the rounds. It fails
 * when a target is missed, or a trade was refused.
 */
import { parseArgs } from 'node:util';

import { groundOn, privateStack } from '../support/stack.js';
import { System } from '../support/system.js';
import { tokens } from '../support/tokens.js';
import { Child } from './child.js';
import { median, round, table } from './figures.js';
import { processorSeconds } from './outbox/process-figures.js';
import { machine } from './scene.js';
import { checkpoint, durabilityOf } from './trading/durability.js';
import type { Run, Seat, Traded, TradingAsk } from './trading/messages.js';
import { pgbench, pgbenchProgram, pgbenchSeats, sampleOf, type Sample } from './trading/pgbench.js';
import { seats, startPlain } from './trading/scene.js';

const CHALLENGES = 1_000;
const CONNECTIONS = 64;
/** As many as post lists, so that both keep both processors busy. */
const PGBENCH_CLIENTS = 8;
const LIST = { connections: PGBENCH_CLIENTS, perRequest: 100 };
const WARM_UP_S = 1;
/** For the first time, before anything is measured. */
const FIRST_S = 3;
const LIMITS = { ratio: 1, listRatio: 2.5, plainRatio: 3.5, p99Ms: 40, hotShare: 0.8 };

const NAMES = ['pgbench', 'plain', 'single', 'list', 'hot', 'half'] as const;
type Name = (typeof NAMES)[number];
const IN_WORDS: Readonly<Record<Name, string>> = {
  pgbench: `pgbench, ${PGBENCH_CLIENTS} clients`,
  plain: `plain way, ${CONNECTIONS} connections`,
  single: `single posts, ${CONNECTIONS} connections`,
  list: `lists of ${LIST.perRequest}, ${LIST.connections} connections`,
  hot: `single posts, one challenge, ${CONNECTIONS} connections`,
  half: 'single posts, half of that rate',
};

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '8' },
    only: { type: 'string', default: NAMES.join(',') },
  },
});
const rounds = Number(values.rounds);
const seconds = Number(values.seconds);
const chosen = NAMES.filter((name) => values.only.split(',').includes(name));

interface Turn {
  readonly perS: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Processor time of the service's process for a trade, and the share of a processor that those took who posted. */
  readonly processorMs: number;
  readonly postersShare: number;
  readonly refusal: string | null;
}
type Turns = ReadonlyMap<Name, Turn[]>;

interface Scene {
  readonly superuser: string;
  readonly trader: string;
  readonly sample: Sample;
  readonly posters: Child<TradingAsk>;
  readonly token: string;
  readonly service: { readonly url: string; readonly pid: number };
  readonly plain: { readonly url: string; readonly pid: number };
}

async function turnOf(name: Name, scene: Scene, perSecond: number, forS = seconds): Promise<Turn> {
  await checkpoint(scene.superuser);
  if (name === 'pgbench') return byPgbench(scene, forS);
  const contender = name === 'plain' ? scene.plain : scene.service;
  const run: Run = {
    book: name === 'plain' || name === 'hot' ? name : 'service',
    target: { url: contender.url, token: scene.token },
    perRequest: name === 'list' ? LIST.perRequest : 1,
    warmUpS: WARM_UP_S,
    seconds: forS,
  };
  const before = processorSeconds(contender.pid);
  const traded = await scene.posters.ask<Traded>(
    name === 'half'
      ? { act: 'arrive', ...run, perSecond }
      : { act: 'saturate', ...run, connections: name === 'list' ? LIST.connections : CONNECTIONS },
  );
  const processorS = processorSeconds(contender.pid) - before;
  return {
    ...traded,
    processorMs: (processorS * 1_000) / (traded.perS * (WARM_UP_S + forS)),
    postersShare: traded.processorShare,
    refusal: traded.refused === 0 ? null : `${traded.refused} trades were refused, first: ${traded.firstRefusal}`,
  };
}

async function byPgbench({ trader, sample }: Scene, forS: number): Promise<Turn> {
  const perS = await pgbench({
    url: trader,
    sample,
    challenges: CHALLENGES,
    clients: PGBENCH_CLIENTS,
    seconds: forS,
  });
  return { perS, p50Ms: NaN, p99Ms: NaN, processorMs: NaN, postersShare: NaN, refusal: null };
}

async function measure(): Promise<{ turns: Turns; sample: Sample; durability: string }> {
  pgbenchProgram();
  const stack = await privateStack({ topicPrefix: null });
  const posters = new Child<TradingAsk>('trading/trading-process');
  try {
    await stack.kafka.stop();
    const superuser = stack.databaseUrl('postgres');
    const durability = await durabilityOf(superuser);
    const system = await System.start(groundOn(stack), { services: ['trade'] });
    const plain = await startPlain(stack);
    try {
      const token = await tokens.service();
      const target = { url: system.tradeUrl, token };
      const books: Readonly<Record<string, readonly Seat[]>> = {
        service: seats(CHALLENGES),
        plain: seats(CHALLENGES),
        hot: seats(1),
        pgbench: pgbenchSeats(CHALLENGES),
      };
      for (const [book, list] of Object.entries(books)) await posters.ask({ act: 'open', book, target, seats: list });
      const warmUp: Run = { book: 'service', target, perRequest: 1, warmUpS: 0, seconds: FIRST_S };
      await posters.ask({ act: 'saturate', ...warmUp, connections: CONNECTIONS });
      const sample = await sampleOf(superuser);
      const scene: Scene = {
        superuser,
        trader: stack.databaseUrl('trade'),
        sample,
        posters,
        token,
        service: { url: system.tradeUrl, pid: system.service('trade').pid },
        plain: { url: `http://127.0.0.1:${plain.port}`, pid: plain.pid },
      };
      const turns: Turns = new Map(chosen.map((name) => [name, []]));
      for (const name of chosen.filter((one) => one === 'plain' || one === 'list'))
        await turnOf(name, scene, 0, FIRST_S);
      for (let number = 1; number <= rounds; number += 1)
        for (const name of chosen) {
          const turn = await turnOf(name, scene, (turns.get('single')?.at(-1)?.perS ?? NaN) / 2);
          turns.get(name)?.push(turn);
          process.stderr.write(`round ${number} of ${rounds}, ${name}: ${round(turn.perS, 0)}/s\n`);
        }
      return { turns, sample, durability };
    } finally {
      await plain.kill();
      await system.stop();
    }
  } finally {
    posters.close();
    await stack.stop();
  }
}

const { turns, sample, durability } = await measure();

const of = (name: Name, read: (turn: Turn) => number): number => median((turns.get(name) ?? []).map(read));
const perS = (name: Name): number => of(name, (turn) => turn.perS);
const figures = {
  pgbench_tps: round(perS('pgbench'), 0),
  plain_per_s: round(perS('plain'), 0),
  trades_per_s: round(perS('single'), 0),
  list_per_s: round(perS('list'), 0),
  hot_challenge_per_s: round(perS('hot'), 0),
  ratio: round(perS('single') / perS('pgbench'), 2),
  list_ratio: round(perS('list') / perS('pgbench'), 2),
  plain_ratio: round(perS('single') / perS('plain'), 2),
  p50_ms: round(
    of('half', (turn) => turn.p50Ms),
    1,
  ),
  p99_ms: round(
    of('half', (turn) => turn.p99Ms),
    1,
  ),
};
// What was not measured is NaN, and below no limit.
const missed = [
  ...(figures.ratio < LIMITS.ratio ? [`ratio ${figures.ratio} < ${LIMITS.ratio}`] : []),
  ...(figures.list_ratio < LIMITS.listRatio ? [`list_ratio ${figures.list_ratio} < ${LIMITS.listRatio}`] : []),
  ...(figures.plain_ratio < LIMITS.plainRatio ? [`plain_ratio ${figures.plain_ratio} < ${LIMITS.plainRatio}`] : []),
  ...(figures.p99_ms > LIMITS.p99Ms ? [`p99_ms ${figures.p99_ms} > ${LIMITS.p99Ms}`] : []),
  ...(figures.hot_challenge_per_s < LIMITS.hotShare * figures.trades_per_s
    ? [`hot_challenge_per_s ${figures.hot_challenge_per_s} < ${LIMITS.hotShare} of ${figures.trades_per_s}`]
    : []),
  ...[...turns].flatMap(([name, all]) =>
    all.flatMap(({ refusal }) => (refusal === null ? [] : [`${name}: ${refusal}`])),
  ),
];

const cell = (value: number, decimals: number): string | number => (Number.isNaN(value) ? '' : round(value, decimals));
const cells = (read: (of: (turn: Turn) => number) => number): (string | number)[] => [
  cell(
    read((turn) => turn.perS),
    0,
  ),
  cell(
    read((turn) => turn.p50Ms),
    1,
  ),
  cell(
    read((turn) => turn.p99Ms),
    1,
  ),
  cell(
    read((turn) => turn.processorMs),
    3,
  ),
  cell(
    read((turn) => turn.postersShare * 100),
    0,
  ),
];
console.log(`trade: ${CHALLENGES} challenges, ${rounds} rounds of ${seconds} s each; ${machine()}`);
console.log(`PostgreSQL: ${durability}; no relay, no Kafka`);
console.log(
  `a trade: its row with an answer of ${sample.bytes.trade} bytes, the challenge, an event of ${sample.bytes.event} and a state of ${sample.bytes.state}`,
);
console.log(
  'p50, p99: ms of a request, with lists of the list; at half the rate from the moment it was due; processor: ms of',
);
console.log("the service's process for a trade; posters: share of one processor, in %, that those took who posted\n");
console.log(
  table(
    ['', 'trades/s', 'p50', 'p99', 'processor', 'posters'],
    [...turns].flatMap(([name, all]) => [
      ...all.map((turn, index) => [`${IN_WORDS[name]} ${index + 1}`, ...cells((read) => read(turn))]),
      [`${IN_WORDS[name]}, median`, ...cells((read) => of(name, read))],
    ]),
  ),
);
for (const one of missed) console.log(`MISSED: ${one}`);
console.log(`\n${JSON.stringify({ bench: 'trade', ...figures })}`);
if (missed.length > 0) process.exitCode = 1;
