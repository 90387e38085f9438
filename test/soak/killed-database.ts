/**
 * PostgreSQL is killed under load, again and again: what was accepted stays, once, and is answered the same when it is repeated.
 *
 *   npm run soak -- killed-database [--kills 10] [--rate 200] [--challenges 200] [--seed N]
 */
import { parseArgs } from 'node:util';

import { chanceOf } from '../support/outbox-writers.js';
import { privateStack } from '../support/stack.js';
import { progress, report, seedOf, unless } from './report.js';
import { killedDatabase } from './scenario/killed-database.js';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '10' },
    rate: { type: 'string', default: '200' },
    challenges: { type: 'string', default: '200' },
    seed: { type: 'string' },
  },
});
const seed = seedOf(values.seed);
const size = { kills: Number(values.kills), rate: Number(values.rate), challenges: Number(values.challenges) };

const stack = await privateStack();
const seen = await killedDatabase(stack, {
  ...size,
  calmMs: 5_000,
  awayMs: 5_000,
  chance: chanceOf(seed),
  tell: progress,
}).finally(() => stack.stop());
report({
  soak: 'killed-database',
  how: `${size.kills} kills, ${size.rate} trades/s on ${size.challenges} challenges, seed ${seed}`,
  rows: [
    ['trades accepted', seen.accepted],
    ['posts refused or unanswered', seen.refused],
    ['accepted, and not heard of it', seen.unheard],
    ['breaches', seen.breaches.length],
  ],
  figures: { ...size, seed, accepted: seen.accepted, refused: seen.refused, unheard: seen.unheard },
  faults: [...seen.breaches, ...unless(seen.refused > 0, 'nobody noticed a kill')],
});
