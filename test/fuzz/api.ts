/**
 * The trade API against its own description: requests that Schemathesis makes of `/openapi.json`, right ones and wrong ones,
 * with the tokens of two users, a service and an operator.
 *
 *   npm run fuzz -- api [--cases 20000] [--seed N]
 *
 * No answer may be a 5xx, or have a status, a type, a header or a shape that is not described, and none to a user may hold
 * anything of another; that such an answer would be seen is shown first. Needs python3 with venv, whose packages are fetched
 * once.
 */
import { parseArgs } from 'node:util';

import { python } from '../support/foreign.js';
import { given } from '../support/given.js';
import { TradeDescription } from '../support/openapi.js';
import { inRepository } from '../support/repository.js';
import { groundOn, privateStack } from '../support/stack.js';
import { System } from '../support/system.js';
import { tokens } from '../support/tokens.js';
import { progress, report, seedOf, unless } from '../soak/report.js';
import { runCases, type Seen, type World } from './schemathesis.js';
import { forgedCursors, seeded, type Trader } from './world.js';

const { values } = parseArgs({ options: { cases: { type: 'string', default: '20000' }, seed: { type: 'string' } } });
const cases = Number(values.cases);
const seed = seedOf(values.seed);

const OPERATIONS = new TradeDescription().operations.map(([at]) => at);
const READS = OPERATIONS.filter((at) => at.startsWith('get '));
/** Of one token at most, should operations yield fewer cases than asked for. */
const ROUNDS = 20;
const FEW = 3;
/** An act's id may be met again, with the same meaning or another. */
const ACTS = Array.from({ length: 5 }, () => given.uuid());

interface Token {
  readonly name: string;
  readonly token: string;
  readonly world: World;
}

const command = await python(inRepository('test/fuzz/requirements.txt'));
const stack = await privateStack({ durable: false });
const ground = groundOn(stack);
const counted = { statuses: {} as Record<string, number>, operations: {} as Record<string, number> };
const faults: string[] = [];
let [sum, limited] = [0, 0];
const rows: [string, number][] = [];

try {
  await unlimited();
  await limitedRun();
} finally {
  await stack.stop();
}
report({
  soak: 'fuzz api',
  how: `${cases} cases wanted`,
  rows: [...rows, ...Object.entries(counted.statuses), ['429 where limited', limited], ['CASES', sum]],
  figures: { seed, cases: sum, ...counted, limited },
  faults: [...faults, ...unless(sum >= cases, `only ${sum} cases`), ...unless(limited > 0, 'nobody met a 429')],
});

async function unlimited(): Promise<void> {
  const system = await System.start(ground, {
    services: ['trade'],
    env: { trade: { USER_RATE_LIMIT_PER_S: '0', RATE_LIMIT_PER_S: '0' } },
  });
  try {
    const [alice, bob] = [await seeded(system), await seeded(system)];
    await mustSee(system, alice, bob);
    for (const token of await tokensOf(alice, bob)) {
      const done = await share(system.tradeUrl, token, Math.ceil(cases / 4));
      rows.push([`cases of ${token.name}`, done]);
      sum += done;
    }
  } finally {
    await system.stop();
  }
}

async function tokensOf(alice: Trader, bob: Trader): Promise<readonly Token[]> {
  const ids = idsOf(alice, bob);
  const everything: World = { user: null, ids, foreign: [] };
  const reader = async (name: string, { userId }: Trader, other: Trader): Promise<Token> => ({
    name,
    token: await tokens.user(userId),
    world: { user: userId, ids, foreign: other.marks },
  });
  return [
    await reader('a user', alice, bob),
    await reader('another user', bob, alice),
    // Last: a service may write into one user's trade what it has read in another's.
    { name: 'a service', token: await tokens.service(), world: everything },
    { name: 'an operator', token: await tokens.operator('fuzz'), world: everything },
  ];
}

/** Of both: each asks for what is theirs and for what is not. */
function idsOf(...traders: readonly Trader[]): World['ids'] {
  return {
    challenge_id: traders.flatMap(({ challengeIds }) => challengeIds),
    user_id: traders.map(({ userId }) => userId),
    trade_id: traders.flatMap(({ tradeIds }) => tradeIds),
    act_id: ACTS,
    corrects: traders.flatMap(({ tradeIds }) => tradeIds),
    last_trade_id: traders.flatMap(({ tradeIds }) => tradeIds),
    cursor: traders.flatMap(({ cursors, challengeIds }) => [...cursors, ...forgedCursors(challengeIds[0]!)]),
    program: ['seed', 'ftmo-2-step', 'topstep-50k', 'the5ers-high-stakes'],
  };
}

/** A service's token in the place of a user's: if nothing of the other is found in its answers, this looks at nothing. */
async function mustSee(system: System, alice: Trader, bob: Trader): Promise<void> {
  const world: World = { user: alice.userId, ids: idsOf(bob), foreign: bob.marks };
  const token = await tokens.service();
  const seen = await runCases({ python: command, url: system.tradeUrl, token, world, examples: FEW, seed });
  faults.push(...unless(!seen.ok && seen.output.includes("somebody else's"), `a leak is not seen:\n${seen.output}`));
}

async function share(url: string, { name, token, world }: Token, wanted: number): Promise<number> {
  let done = 0;
  for (let round = 0; done < wanted && round < ROUNDS; round += 1) {
    // Once a user has been refused every post, what is left to ask is whether they read more than they may.
    const method = round > 0 && world.user !== null ? ('GET' as const) : undefined;
    const examples =
      round === 0 ? FEW : Math.ceil((wanted - done) / (method === undefined ? OPERATIONS : READS).length);
    const run = { python: command, url, token, world, examples, method, isFirst: round === 0, seed: seed + round };
    const seen = await runCases(run);
    done += noted(seen);
    progress(`${name}: ${done} of ${wanted} cases`);
    if (!seen.ok) {
      faults.push(`with the token of ${name}:\n${seen.output}`);
      break;
    }
  }
  return done;
}

/** Counts it. @returns how many cases it was */
function noted({ statuses, operations }: Seen): number {
  for (const [into, from] of [
    [counted.statuses, statuses],
    [counted.operations, operations],
  ] as const)
    for (const [key, count] of Object.entries(from)) into[key] = (into[key] ?? 0) + count;
  return Object.values(statuses).reduce((all, count) => all + count, 0);
}

async function limitedRun(): Promise<void> {
  const system = await System.start(ground, { services: ['trade'], env: { trade: { USER_RATE_LIMIT_PER_S: '2' } } });
  try {
    const alice = await seeded(system);
    const world: World = { user: alice.userId, ids: idsOf(alice), foreign: [] };
    const token = await tokens.user(alice.userId);
    const seen = await runCases({ python: command, url: system.tradeUrl, token, world, examples: FEW, seed });
    limited = seen.statuses['429'] ?? 0;
    if (!seen.ok) faults.push(`where the user is limited:\n${seen.output}`);
  } finally {
    await system.stop();
  }
}
