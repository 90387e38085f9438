/**
 * `npm run check`: what everybody runs before a commit. Quickest first, two at a time, stops at the first red. Stays under
 * 30 s on two cores (60 s with cold caches): what makes it slower moves to `npm test`.
 *
 *   npm run check -- --keep-going   shows every red one
 */
import { performance } from 'node:perf_hooks';

import { runAll } from './steps.mjs';

const bin = (name) => `node_modules/.bin/${name}`;
const JEST = [
  'node',
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
];
const resultsFile = process.env['JEST_RESULTS'];

const steps = [
  { name: 'paths', command: ['node', 'test/bin/docs.mjs', 'paths'] },
  { name: 'lint', command: [bin('oxlint'), '-c', 'oxlint.config.mjs', '--type-aware', '--deny-warnings'] },
  {
    name: 'format',
    command: [bin('prettier'), '--check', '--cache', '--cache-location', '.cache/prettier', '--log-level', 'warn', '.'],
  },
  { name: 'boundaries', command: ['node', 'test/bin/boundaries.mjs'] },
  { name: 'types', command: [bin('tsc'), '-b'] },
  {
    name: 'unit tests',
    command: [
      ...JEST,
      '--selectProjects=unit',
      '--silent',
      ...(resultsFile === undefined ? [] : ['--json', `--outputFile=${resultsFile}`]),
    ],
  },
  { name: 'settings', command: ['node', 'test/bin/docs.mjs', 'check'], after: ['types'] },
];

const started = performance.now();
const ok = await runAll(steps, { keepGoing: process.argv.includes('--keep-going') });
console.log(`${ok ? 'check passed' : 'check failed'} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
process.exitCode = ok ? 0 : 1;
