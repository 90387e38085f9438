import { setTimeout as delay } from 'node:timers/promises';

import { topicsOf } from '@tradesense/contracts';
import type { Stack } from '@tradesense/local';

import type { Verdict } from '../../support/log-check.js';
import type { ServiceProcess } from '../../support/processes.js';
import { groundOn, privateStack } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { checkLog } from '../../support/topic-log.js';
import { until } from '../../support/until.js';
import { ask, settled } from './settled.js';
import { TradeLoad, type Posted } from './trade-load.js';
import { coreShare, usageOf } from './usage.js';

const NAMES = ['trade', 'relay'] as const;
type Name = (typeof NAMES)[number];

export interface Case6Options {
  readonly rate: number;
  readonly awaySeconds: number;
  readonly rounds: number;
  readonly tell?: (text: string) => void;
}

/** One process during one outage. */
export interface Endurance {
  readonly isSamePid: boolean;
  readonly core: number;
  readonly attempts: number;
  readonly lines: number;
  /** Of `/livez` and `/readyz` in the middle of it. */
  readonly live: number;
  readonly ready: number;
}

export interface Round {
  readonly of: Readonly<Record<Name, Endurance>>;
  /** Trades that were refused as they must be, and all others that were not accepted, in words. */
  readonly refused: number;
  readonly otherwise: readonly string[];
  /** From PostgreSQL's return until a trade was accepted, and until the relay had acknowledged all that was committed by then. */
  readonly acceptedMs: number;
  readonly settledMs: number;
  /** Of the refused trades, posted again: how many had been stored all the same, and what was wrong with an answer. */
  readonly stored: number;
  readonly again: readonly string[];
}

export interface Case6Report {
  readonly verdict: Verdict;
  readonly rounds: readonly Round[];
  /** Log lines that speak of a rejection or exception nobody handled. */
  readonly unhandled: readonly string[];
}

/** Each service has a link of its own to PostgreSQL, which counts how often it tries to get through. */
export const case6Stack = (): Promise<Stack> => privateStack({ links: NAMES });

/** PostgreSQL is away for a while, and comes back; with trades all the time, and everything falling due that falls due. */
export async function case6(stack: Stack, options: Case6Options): Promise<Case6Report> {
  const { rate, awaySeconds, rounds, tell = () => undefined } = options;
  const ground = groundOn(stack);
  const through = (name: Name): string => stack.link(name).databaseUrl(name);
  const housekeeping = { HOUSEKEEPING_MS: String((awaySeconds * 1_000) / 4) };
  const system = await System.start(ground, {
    services: NAMES,
    env: {
      trade: { DATABASE_URL: through('trade') },
      relay: { DATABASE_URL: through('relay'), LEASE_MS: '10000', ...housekeeping },
    },
  });
  try {
    const load = await TradeLoad.open(system, 50);
    const seen: Round[] = [];
    for (let round = 1; round <= rounds; round += 1) {
      tell(`round ${round}: PostgreSQL is away for ${awaySeconds} s`);
      seen.push(await oneRound(stack, system, load, { rate, awaySeconds }));
    }
    const url = stack.databaseUrl('postgres');
    await settled(url, 20_000);
    return {
      verdict: await checkLog(ground, topicsOf(ground.topicPrefix).events),
      rounds: seen,
      unhandled: system.processes.lines.filter((line) => /unhandled|uncaught/i.test(line)),
    };
  } finally {
    await stack.postgres.start();
    await system.stop();
  }
}

async function oneRound(
  stack: Stack,
  system: System,
  load: TradeLoad,
  { rate, awaySeconds }: Pick<Case6Options, 'rate' | 'awaySeconds'>,
): Promise<Round> {
  const url = stack.databaseUrl('postgres');
  const posts: Posted[] = [];
  const over = { seconds: awaySeconds + 1 + AFTER_S };
  const posting = load.run({ rate, ...over }, (posted) => posts.push(posted));
  await delay(1_000);
  await stack.postgres.stop();
  const enduring = Promise.all(NAMES.map((name) => endure(stack, system.service(name), name, awaySeconds)));
  const [trade, relay] = (await enduring) as [Endurance, Endurance];
  await stack.postgres.start();
  const backMs = performance.now();
  await settled(url, 60_000);
  const settledMs = performance.now() - backMs;
  await posting;
  const accepted = posts.find(({ status, answeredMs }) => status === 201 && answeredMs >= backMs);
  const refused = posts.filter(({ status }) => status !== 201);
  return {
    of: { trade, relay },
    refused: refused.length,
    otherwise: refused.flatMap(wrongWith),
    acceptedMs: (accepted?.answeredMs ?? Infinity) - backMs,
    settledMs,
    ...(await postedAgain(load, url, refused)),
  };
}

/** Trades go on for so long after PostgreSQL's return. */
const AFTER_S = 6;

async function endure(stack: Stack, service: ServiceProcess, name: Name, seconds: number): Promise<Endurance> {
  const link = stack.link(name).postgres;
  const before = { pid: service.pid, attempts: link.accepted, lines: service.lines.length };
  const from = await usageOf(service);
  await delay(seconds * 500);
  const live = await service.liveness();
  const ready = await until(
    () => service.readiness(),
    ({ status }) => status === 503,
    { withinMs: seconds * 400 },
  ).catch(() => service.readiness());
  await delay(Math.max(0, seconds * 1_000 - (performance.now() - from.atMs)));
  const to = await usageOf(service);
  return {
    isSamePid: service.isRunning && service.pid === before.pid,
    core: coreShare(from, to),
    attempts: link.accepted - before.attempts,
    lines: service.lines.length - before.lines,
    live,
    ready: ready.status,
  };
}

function wrongWith({ status, problem, retryAfter }: Posted): readonly string[] {
  const isRight = status === 503 && problem.type?.endsWith('database-unavailable') === true && retryAfter !== null;
  return isRight ? [] : [`${status} ${problem.type ?? 'without an answer'}, Retry-After ${retryAfter}`];
}

/** No more than these at once. */
const SLICE = 20;

/** A refused trade either was stored, and its id gets the first answer, or was not, and is stored now. */
async function postedAgain(
  load: TradeLoad,
  url: string,
  refused: readonly Posted[],
): Promise<Pick<Round, 'stored' | 'again'>> {
  const rows = await ask<{ trade_id: string }>(url, 'select trade_id from trade where trade_id = any($1)', [
    refused.map(({ trade }) => trade.trade_id),
  ]);
  const stored = new Set(rows.map(({ trade_id }) => trade_id));
  const again: string[] = [];
  for (let at = 0; at < refused.length; at += SLICE)
    for (const posted of await Promise.all(refused.slice(at, at + SLICE).map((one) => load.again(one)))) {
      const { trade_id } = posted.trade;
      if (posted.status !== 201) again.push(`${trade_id} was answered ${posted.status} once more`);
      else if (posted.isReplay !== stored.has(trade_id))
        again.push(`${trade_id} was ${stored.has(trade_id) ? '' : 'not '}stored, and its second answer says otherwise`);
    }
  const twice = await ask(url, 'select from trade where trade_id = any($1) group by trade_id having count(*) <> 1', [
    refused.map(({ trade }) => trade.trade_id),
  ]);
  return { stored: stored.size, again: twice.length === 0 ? again : [...again, `${twice.length} are stored twice`] };
}
