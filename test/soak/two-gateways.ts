/**
 * Two gateways behind HAProxy with 2,000 clients each: one is asked to go, then, in a run of its own, one is killed. How long its
 * clients see nothing, and that they miss nothing.
 *
 *   npm run soak -- two-gateways [--rooms 1000] [--per-room 4] [--rate 200]
 */
import { parseArgs } from 'node:util';

import { percentile, round } from '../bench/figures.js';
import { groundOn, privateStack } from '../support/stack.js';
import { progress, report, unless } from './report.js';
import { twoGateways, type TwoGatewaysReport } from './scenario/two-gateways.js';

const LIMITS = { SIGTERM: 1_000, SIGKILL: 10_000 } as const;
type How = keyof typeof LIMITS;

const { values } = parseArgs({
  options: {
    rooms: { type: 'string', default: '1000' },
    'per-room': { type: 'string', default: '4' },
    rate: { type: 'string', default: '200' },
  },
});

async function run(how: How): Promise<TwoGatewaysReport> {
  progress(how);
  const stack = await privateStack();
  return twoGateways(groundOn(stack), {
    rooms: Number(values.rooms),
    perRoom: Number(values['per-room']),
    rate: Number(values.rate),
    how,
    adds: false,
    env: { ADMISSION_PER_S: '500' },
    withinMs: 120_000,
  }).finally(() => stack.stop());
}

const seen = { SIGTERM: await run('SIGTERM'), SIGKILL: await run('SIGKILL') };
const p95 = (how: How): number => percentile(seen[how].blindMs, 0.95);
const ways = Object.keys(LIMITS) as How[];

report({
  soak: 'two-gateways',
  how: `${values.rooms} challenges, ${values['per-room']} clients each, ${values.rate} events/s`,
  rows: ways.flatMap((how) => [
    [`${how}: clients`, seen[how].clients.join(' + ')] as const,
    [`${how}: blind p95, ms`, round(p95(how))] as const,
    [`${how}: handshakes refused`, seen[how].refused] as const,
    [`${how}: duplicates, gaps, partial`, `${seen[how].duplicates} ${seen[how].gaps} ${seen[how].partial}`] as const,
  ]),
  figures: Object.fromEntries(
    ways.map((how) => [
      how,
      {
        clients: seen[how].clients,
        blind_p95_ms: round(p95(how)),
        duplicates: seen[how].duplicates,
        gaps: seen[how].gaps,
        partial: seen[how].partial,
      },
    ]),
  ),
  faults: ways.flatMap((how) => [
    ...unless(p95(how) <= LIMITS[how], `${how}: blind for ${round(p95(how))} ms at p95`),
    ...unless(seen[how].duplicates + seen[how].gaps + seen[how].partial === 0, `${how}: not exact`),
  ]),
});
