/**
 * A broker that was away for long: Kafka stands still for ten minutes while trades go on, and later refuses the topic of events for
 * five. No row is given up for it, all of it arrives in order soon after each return, and no trade is slower meanwhile.
 *
 *   npm run soak -- case-4 [--rate 50] [--frozen-seconds 600] [--denied-seconds 300]
 */
import { parseArgs } from 'node:util';

import { round } from '../bench/figures.js';
import { progress, report, unless } from './report.js';
import { case4, case4Stack, grows, type Outage } from './scenario/case-4.js';

const RECOVERED_MS = 60_000;
const LIMIT = 1.25;

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '50' },
    'frozen-seconds': { type: 'string', default: '600' },
    'denied-seconds': { type: 'string', default: '300' },
  },
});
const rate = Number(values.rate);
const frozenSeconds = Number(values['frozen-seconds']);
const deniedSeconds = Number(values['denied-seconds']);

const stack = await case4Stack();
const seen = await case4(stack, {
  rate,
  calmSeconds: 30,
  frozenSeconds,
  deniedSeconds,
  recoverWithinMs: RECOVERED_MS,
  tell: progress,
}).finally(() => stack.stop());
const { verdict, calmMs, frozen, denied, parked } = seen;

const rowsOf = (name: string, outage: Outage): readonly [string, string | number][] => [
  [`${name}: trade, median ms`, round(outage.tradeMs, 2)],
  [`${name}: trades refused`, outage.refused],
  [`${name}: lag told last, s`, round(outage.lagS.at(-1) ?? NaN)],
  [`${name}: recovered after, s`, round(outage.recoveredMs / 1_000)],
];
const faultsOf = (name: string, outage: Outage): readonly string[] => [
  ...unless(
    outage.tradeMs <= LIMIT * calmMs,
    `${name}: a trade took ${round(outage.tradeMs / calmMs, 2)} times as long`,
  ),
  ...unless(outage.refused === 0, `${name}: ${outage.refused} trades were refused`),
  ...unless(
    grows(outage),
    `${name}: lag did not grow with the time: ${outage.lagS.map((lag) => round(lag)).join(' ')}`,
  ),
  ...unless(outage.recoveredMs <= RECOVERED_MS, `${name}: lag 0 only after ${round(outage.recoveredMs / 1_000)} s`),
];
report({
  soak: 'case-4',
  how: `${rate} trades/s; Kafka still for ${frozenSeconds} s, the topic of events refused for ${deniedSeconds} s`,
  rows: [
    ['before: trade, median ms', round(calmMs, 2)],
    ...rowsOf('still', frozen),
    ...rowsOf('refused', denied),
    ['events', verdict.committed],
    ['repeats', verdict.repeats],
    ['parked', parked],
    ['breaches', verdict.breaches.length],
  ],
  figures: {
    events: verdict.committed,
    calm_ms: round(calmMs, 2),
    frozen_ratio: round(frozen.tradeMs / calmMs, 2),
    denied_ratio: round(denied.tradeMs / calmMs, 2),
    frozen_recovered_s: round(frozen.recoveredMs / 1_000),
    denied_recovered_s: round(denied.recoveredMs / 1_000),
    repeats: verdict.repeats,
    parked,
  },
  faults: [
    ...verdict.breaches,
    ...faultsOf('still', frozen),
    ...faultsOf('refused', denied),
    ...unless(parked === 0, `${parked} challenges are parked`),
  ],
});
