/**
 * Somebody's session holds one challenge's row for half a minute, again and again: the others' trades are as quick as without.
 *
 *   npm run soak -- held-challenge [--seconds 30] [--rounds 5] [--rate 200]
 */
import { parseArgs } from 'node:util';

import { round } from '../bench/figures.js';
import { groundOn, privateStack } from '../support/stack.js';
import { report, unless } from './report.js';
import { heldChallenge } from './scenario/held-challenge.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    rounds: { type: 'string', default: '5' },
    rate: { type: 'string', default: '200' },
  },
});
const size = { seconds: Number(values.seconds), rounds: Number(values.rounds), rate: Number(values.rate) };

const stack = await privateStack();
const seen = await heldChallenge(groundOn(stack), size).finally(() => stack.stop());
const ratio = seen.heldP99 / seen.freeP99;
report({
  soak: 'held-challenge',
  how: `${size.rounds} rounds of ${size.seconds} s free and ${size.seconds} s held, ${size.rate} trades/s on others`,
  rows: [
    ['p99 while it is free, ms', round(seen.freeP99)],
    ['p99 while it is held, ms', round(seen.heldP99)],
    ['held trades accepted', seen.accepted],
    ['held trades answered 503', seen.overloaded],
  ],
  figures: { ...size, free_p99_ms: round(seen.freeP99), held_p99_ms: round(seen.heldP99), ratio: round(ratio, 2) },
  faults: [...seen.breaches, ...unless(ratio <= 1.5, `the others' p99 was ${round(ratio, 2)} times that without`)],
});
