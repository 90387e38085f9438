/** What `npm run bench`, `npm run soak` and `npm run fuzz` have in common: programs in a folder, of which one is built and run by its name. */
import { readFileSync, readdirSync } from 'node:fs';

import { run } from './steps.mjs';

/**
 * Builds, then runs test/FOLDER/NAME.ts with the rest of the command line. A program says on top how it is called: that is what
 * makes a file of the folder one. Its exit code becomes ours.
 */
export async function runNamed(folder, { longestMs } = {}) {
  const call = `npm run ${folder} --`;
  const known = readdirSync(`test/${folder}`)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => file.slice(0, -'.ts'.length))
    .filter((name) => readFileSync(`test/${folder}/${name}.ts`, 'utf8').includes(`${call} ${name}`))
    .sort();

  const [name, ...args] = process.argv.slice(2);
  if (name === undefined || !known.includes(name)) {
    console.error(`${name === undefined ? 'Which one?' : `There is no ${folder} ${name}.`} Known: ${known.join(', ')}`);
    console.error(`  ${call} NAME [--option value …]`);
    process.exitCode = 64;
    return;
  }
  const built = await run({ name: 'build', command: ['npm', 'run', '--silent', 'build'] }).ended;
  if (!built.ok) {
    console.error(built.output);
    process.exitCode = 1;
    return;
  }
  const command = ['node', '--import', './test/bin/built-services.mjs', `test/dist/${folder}/${name}.js`, ...args];
  const { ok } = await run({ name, command, show: true, ...(longestMs === undefined ? {} : { longestMs }) }).ended;
  process.exitCode ??= ok ? 0 : 1;
}
