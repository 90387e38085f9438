/**
 * Connections that end anywhere: after any byte of a frame, between the answer to a join and the first event behind it, while the
 * gateway warms up. Most of them without a network, some on real sockets. Whoever comes back by its cursor is given exactly what
 * it missed, or is told that this is not possible and why.
 *
 *   npm run soak -- disconnects [--points 2000] [--real 100] [--seed N]
 */
import { parseArgs } from 'node:util';

import { report, seedOf, unless } from './report.js';
import { CUTS, disconnects } from './scenario/disconnects.js';
import { realDisconnects } from './scenario/real-disconnects.js';

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '2000' },
    real: { type: 'string', default: '100' },
    seed: { type: 'string' },
  },
});
const seed = seedOf(values.seed);
const real = Number(values.real);
const points = Number(values.points) - real;

const seen = await disconnects(points, seed);
const onSockets = await realDisconnects(real, seed);
report({
  soak: 'disconnects',
  how: `${points} points without a network, ${real} on real sockets, seed ${seed}`,
  rows: [
    ...CUTS.map((cut): [string, number] => [`cut ${cut}`, seen.byCut[cut]]),
    ['joins recovered', seen.recovered],
    ...[...seen.reasons].map(([reason, count]): [string, number] => [`joins not recovered: ${reason}`, count]),
    ['events handled', seen.handled],
    ['real sockets: joins recovered', onSockets.recovered],
    ['real sockets: events handled', onSockets.handled],
    ['partial recoveries', seen.partial],
    ['duplicates', seen.duplicates],
    ['gaps', seen.gaps],
  ],
  figures: {
    points: points + real,
    real,
    seed,
    recovered: seen.recovered + onSockets.recovered,
    not_recovered: Object.fromEntries(seen.reasons),
    partial: seen.partial,
    duplicates: seen.duplicates,
    gaps: seen.gaps,
  },
  faults: [
    ...seen.faults.slice(0, 20),
    ...onSockets.faults,
    ...unless(seen.partial === 0, `${seen.partial} recoveries were partial`),
    ...unless(seen.recovered > points / 3, `only ${seen.recovered} joins were recovered: it shows too little`),
  ],
});
