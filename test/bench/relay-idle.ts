/**
 * What a relay costs while nobody trades: a leader with watermarks as in production. Its share of a core is what the kernel
 * counted; its statements are those in PostgreSQL's log, of all its sessions.
 *
 *   npm run bench -- relay-idle [--seconds 60]
 *
 * The last line printed is JSON. It fails above 2 % of a core or 8 statements a second.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { topicsOf } from '@tradesense/contracts';
import type { Stack } from '@tradesense/local';

import { privateStack } from '../support/stack.js';
import { until } from '../support/until.js';
import { round, table } from './figures.js';
import { ours } from './outbox/contender.js';
import { Published } from './outbox/measure.js';
import { processorSeconds } from './outbox/process-figures.js';
import { machine } from './scene.js';

const LIMITS = { corePercent: 2, statementsPerS: 8 };
const PREFIX = 'tradesense.';

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '60' } } });
const seconds = Number(values.seconds);

const STATEMENT = /^tradesense-relay-?(\S*) LOG: +(?:statement: *(.{0,40})|execute (\S+):)/;
const statementsIn = (stack: Stack): readonly string[] =>
  readFileSync(join(stack.folder, 'postgres.log'), 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [, session, text, name] = STATEMENT.exec(line) ?? [];
      return session === undefined ? [] : `${session}: ${text ?? name}`;
    });

/** The frequent ones first. */
function census(statements: readonly string[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const statement of statements) counts.set(statement, (counts.get(statement) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}

async function measure() {
  const stack = await privateStack({ postgres: { log_statement: 'all', log_line_prefix: '%a ' } });
  const relay = ours(stack, PREFIX);
  const watermarks = new Published(stack.kafkaBrokers, topicsOf(PREFIX).watermarks.name);
  try {
    await relay.start();
    const told = await watermarks.count();
    await until(watermarks.count, (count) => count >= told + 5, { withinMs: 30_000, what: 'watermarks come' });
    const before = { told: await watermarks.count(), processorS: processorSeconds(relay.pid), at: performance.now() };
    const known = statementsIn(stack).length;
    await delay(seconds * 1_000);
    const tookS = (performance.now() - before.at) / 1_000;
    const processorS = processorSeconds(relay.pid) - before.processorS;
    const statements = statementsIn(stack).slice(known);
    return {
      corePercent: round((processorS / tookS) * 100, 2),
      statementsPerS: round(statements.length / tookS, 2),
      watermarksPerS: round(((await watermarks.count()) - before.told) / tookS, 2),
      census: census(statements),
    };
  } finally {
    await watermarks.close();
    await relay.stop();
    await stack.stop();
  }
}

const { corePercent, statementsPerS, watermarksPerS, census: counts } = await measure();
console.log(`relay-idle: a leader for ${seconds} s, no trades; ${machine()}\n`);
console.log(
  table(
    ['', 'measured', 'limit'],
    [
      ['% of a core', corePercent, LIMITS.corePercent],
      ['statements/s', statementsPerS, LIMITS.statementsPerS],
      ['watermarks/s', watermarksPerS, ''],
    ],
  ),
);
console.log(`\n${table(['statements', 'in all'], counts)}`);
console.log(
  `\n${JSON.stringify({
    bench: 'relay-idle',
    seconds,
    core_percent: corePercent,
    statements_per_s: statementsPerS,
    watermarks_per_s: watermarksPerS,
  })}`,
);
if (corePercent > LIMITS.corePercent || statementsPerS > LIMITS.statementsPerS || watermarksPerS === 0)
  process.exitCode = 1;
