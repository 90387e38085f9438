/**
 * Frames that no client would send, a hundred thousand of them, at a gateway that others watch their challenges at: it lives, its
 * memory is flat, the others notice nothing.
 *
 *   npm run soak -- hostile [--frames 100000] [--at-once 20] [--seed N]
 */
import { parseArgs } from 'node:util';

import { round } from '../bench/figures.js';
import { chanceOf } from '../support/outbox-writers.js';
import { groundOn, privateStack } from '../support/stack.js';
import { progress, report, seedOf, unless } from './report.js';
import { hostile } from './scenario/hostile.js';

/** What a heap that was used may keep. */
const GROWTH_MB = 16;

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '100000' },
    'at-once': { type: 'string', default: '20' },
    seed: { type: 'string' },
  },
});
const frames = Number(values.frames);
const seed = seedOf(values.seed);

const stack = await privateStack();
const seen = await hostile(groundOn(stack), {
  frames,
  atOnce: Number(values['at-once']),
  waits: true,
  chance: chanceOf(seed),
  tell: progress,
}).finally(() => stack.stop());
const { beforeMb, afterMb, lostConnections, duplicates, gaps, partial } = seen;

report({
  soak: 'hostile',
  how: `${frames} mutated frames and bodies, ${values['at-once']} connections at a time`,
  rows: [
    ['frames and bodies', seen.frames],
    ['connections', seen.connections],
    ['memory before, MiB', round(beforeMb)],
    ['memory after, MiB', round(afterMb)],
    ['events to others', seen.events],
    ['connections others lost', lostConnections],
    ['duplicates, gaps, partial', `${duplicates} ${gaps} ${partial}`],
  ],
  figures: {
    seed,
    frames: seen.frames,
    connections: seen.connections,
    grown_mb: round(afterMb - beforeMb),
    events: seen.events,
    lost_connections: lostConnections,
    duplicates,
    gaps,
    partial,
  },
  faults: [
    ...unless(seen.isRunning, 'the gateway is gone'),
    ...unless(seen.frames >= frames, `only ${seen.frames} frames were sent`),
    ...unless(afterMb - beforeMb <= GROWTH_MB, `memory grew by ${round(afterMb - beforeMb)} MiB`),
    ...unless(lostConnections + duplicates + gaps + partial === 0, 'others noticed something'),
    ...seen.errors.slice(0, 5).map((line) => `an error was logged: ${line}`),
  ],
});
