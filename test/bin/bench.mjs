/** `npm run bench -- NAME [arguments]`: builds, then runs test/bench/NAME.ts. A bench says on top how it is called. */
import { readFileSync, readdirSync } from 'node:fs';

import { run } from './steps.mjs';

const known = readdirSync('test/bench')
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length))
  .filter((name) => readFileSync(`test/bench/${name}.ts`, 'utf8').includes(`npm run bench -- ${name}`))
  .sort();

const [name, ...args] = process.argv.slice(2);
if (name === undefined || !known.includes(name)) {
  console.error(`${name === undefined ? 'Which one?' : `There is no bench ${name}.`} Known: ${known.join(', ')}`);
  console.error('  npm run bench -- NAME [--option value …]');
  process.exit(64);
}

const built = await run({ name: 'build', command: ['npm', 'run', '--silent', 'build'] }).ended;
if (!built.ok) {
  console.error(built.output);
  process.exit(1);
}
const { ok } = await run({ name, command: ['node', `test/dist/bench/${name}.js`, ...args], show: true }).ended;
process.exitCode = ok ? 0 : 1;
