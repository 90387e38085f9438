/**
 * PostgreSQL is away for a minute, three times, while trades are posted, a lease must be extended and housekeeping falls due: nobody
 * falls, spins, floods the log or besieges it, trades are refused as they should be, and all is well soon after its return.
 *
 *   npm run soak -- case-6 [--rate 100] [--seconds 60] [--rounds 3]
 */
import { parseArgs } from 'node:util';

import { round } from '../bench/figures.js';
import { progress, report, unless } from './report.js';
import { case6, case6Stack, type Endurance, type Round } from './scenario/case-6.js';

const LIMIT = { core: 0.1, attempts: 300, lines: 60, acceptedMs: 2_000, settledMs: 10_000 };

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '100' },
    seconds: { type: 'string', default: '60' },
    rounds: { type: 'string', default: '3' },
  },
});
const size = { rate: Number(values.rate), awaySeconds: Number(values.seconds), rounds: Number(values.rounds) };

const stack = await case6Stack();
const { verdict, rounds, unhandled } = await case6(stack, { ...size, tell: progress }).finally(() => stack.stop());

const worst = (read: (one: Round) => number): number => Math.max(...rounds.map(read));
const rowsOf = (name: 'trade' | 'relay'): readonly [string, string | number][] => [
  [
    `${name}: share of a core`,
    round(
      worst(({ of }) => of[name].core),
      3,
    ),
  ],
  [`${name}: connection attempts`, worst(({ of }) => of[name].attempts)],
  [`${name}: log lines`, worst(({ of }) => of[name].lines)],
];
const faultsOf = (at: string, { isSamePid, core, attempts, lines, live, ready }: Endurance): readonly string[] => [
  ...unless(isSamePid, `${at}: fell`),
  ...unless(core < LIMIT.core, `${at}: ${round(core, 2)} of a core`),
  ...unless(attempts <= LIMIT.attempts, `${at}: ${attempts} connection attempts`),
  ...unless(lines <= LIMIT.lines, `${at}: ${lines} log lines`),
  ...unless(live === 200 && ready === 503, `${at}: /livez ${live}, /readyz ${ready}`),
];
report({
  soak: 'case-6',
  how: `PostgreSQL away for ${size.awaySeconds} s, ${size.rounds} times, ${size.rate} trades/s; the worst of the rounds`,
  rows: [
    ...rowsOf('trade'),
    ...rowsOf('relay'),
    ['trades refused', worst(({ refused }) => refused)],
    ['refused otherwise than with database-unavailable', worst(({ otherwise }) => otherwise.length)],
    ['refused and stored', worst(({ stored }) => stored)],
    [
      'accepted again after, ms',
      round(
        worst(({ acceptedMs }) => acceptedMs),
        0,
      ),
    ],
    [
      'relay done after, ms',
      round(
        worst(({ settledMs }) => settledMs),
        0,
      ),
    ],
    ['events', verdict.committed],
    ['repeats', verdict.repeats],
    ['breaches', verdict.breaches.length],
  ],
  figures: {
    ...size,
    trade_core: round(
      worst(({ of }) => of.trade.core),
      3,
    ),
    relay_core: round(
      worst(({ of }) => of.relay.core),
      3,
    ),
    accepted_ms: round(
      worst(({ acceptedMs }) => acceptedMs),
      0,
    ),
    settled_ms: round(
      worst(({ settledMs }) => settledMs),
      0,
    ),
    repeats: verdict.repeats,
  },
  faults: [
    ...verdict.breaches,
    ...unhandled,
    ...rounds.flatMap(({ of, otherwise, acceptedMs, settledMs, again }, index) => [
      ...faultsOf(`round ${index + 1}, trade`, of.trade),
      ...faultsOf(`round ${index + 1}, relay`, of.relay),
      ...otherwise.slice(0, 5),
      ...again.slice(0, 5),
      ...unless(
        acceptedMs <= LIMIT.acceptedMs,
        `round ${index + 1}: a trade was accepted after ${round(acceptedMs, 0)} ms`,
      ),
      ...unless(settledMs <= LIMIT.settledMs, `round ${index + 1}: the relay was done after ${round(settledMs, 0)} ms`),
    ]),
  ],
});
