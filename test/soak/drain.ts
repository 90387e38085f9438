/**
 * SIGTERM with 2,000 stock clients under 500 events a second: they are told that the gateway goes, leave spread over the time it
 * has, and come to the next one, which takes the port as soon as it is free. Exit code 0, no event lost by cursor (pitfall S16).
 *
 *   npm run soak -- drain [--rooms 500] [--per-room 4] [--rate 500] [--drain-ms 8000]
 */
import { parseArgs } from 'node:util';

import { percentile, round } from '../bench/figures.js';
import { groundOn, privateStack } from '../support/stack.js';
import { report, unless } from './report.js';
import { crowding, drain } from './scenario/drain.js';

const CROWDED = 0.25;

const { values } = parseArgs({
  options: {
    rooms: { type: 'string', default: '500' },
    'per-room': { type: 'string', default: '4' },
    rate: { type: 'string', default: '500' },
    'drain-ms': { type: 'string', default: '8000' },
  },
});
const drainMs = Number(values['drain-ms']);

const stack = await privateStack();
const seen = await drain(groundOn(stack), {
  rooms: Number(values.rooms),
  perRoom: Number(values['per-room']),
  rate: Number(values.rate),
  drainMs,
  withinMs: 60_000,
}).finally(() => stack.stop());

const lastMs = Math.max(...seen.leftMs);
const crowded = crowding(seen);
const blindP95 = percentile(seen.blindMs, 0.95);
report({
  soak: 'drain',
  how: `${seen.clients} stock clients, ${values.rate} events/s, ${drainMs} ms to go`,
  rows: [
    ['exit code', String(seen.exit.code ?? seen.exit.signal)],
    ['last one left after, ms', round(lastMs, 0)],
    ['share that left in the fullest eighth', round(crowded, 2)],
    ['last one back after, ms', round(Math.max(...seen.backMs), 0)],
    ['blind, p50, ms', round(percentile(seen.blindMs, 0.5), 0)],
    ['blind, p95, ms', round(blindP95, 0)],
    ['events', seen.events],
    ['duplicates', seen.duplicates],
    ['gaps', seen.gaps],
    ['clients not given every event', seen.partial],
  ],
  figures: {
    exit: seen.exit.code,
    clients: seen.clients,
    left_after_ms: round(lastMs, 0),
    crowding: round(crowded, 2),
    blind_p95_ms: round(blindP95, 0),
    duplicates: seen.duplicates,
    gaps: seen.gaps,
    partial: seen.partial,
  },
  faults: [
    ...unless(seen.exit.code === 0, `exit code ${seen.exit.code ?? seen.exit.signal}`),
    ...unless(lastMs > drainMs / 2, `all had left after ${round(lastMs)} ms`),
    ...unless(crowded < CROWDED, `${round(crowded, 2)} left in one eighth of the time`),
    ...unless(seen.duplicates + seen.gaps + seen.partial === 0, 'events were lost, came twice or in a snapshot'),
  ],
});
