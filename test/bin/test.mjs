/**
 * `npm test`, from a fresh clone too: what is missing is installed, everything is built, then `check`, then the tests that
 * need the real PostgreSQL, Kafka and browser. The last line is the sum of all of them.
 *
 *   npm test -- PATTERN…   only the files whose path matches, without `check`
 */
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { resolve } from 'node:path';

import { chromium, mustInstall, nodeFault, provide } from '../../infra/local/src/bootstrap/machine.mjs';
import { run } from './steps.mjs';

const RESULTS = resolve('.cache/results');
const JEST = [
  'node',
  '--experimental-vm-modules',
  '--disable-warning=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
];

const started = performance.now();
const total = { passed: 0, failed: 0, skipped: 0 };
const times = [];

/** Adds up what Jest wrote; a file that did not even load counts as one failure. */
function count(file) {
  let results;
  try {
    results = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
  total.passed += results.numPassedTests;
  total.failed += results.numFailedTests + results.numRuntimeErrorTestSuites;
  total.skipped += results.numPendingTests + results.numTodoTests;
  for (const { name, startTime, endTime } of results.testResults) times.push({ name, ms: endTime - startTime });
  return results.numFailedTests + results.numRuntimeErrorTestSuites > 0;
}

/** Runs a step in the open. A red one that no counted test explains is a failure of its own. */
async function step(name, command, { env = {}, results } = {}) {
  console.log(`\n── ${name}`);
  const { ok } = await run({ name, command, env, show: true }).ended;
  const explained = results !== undefined && count(results);
  if (!ok && !explained) total.failed += 1;
  return ok;
}

/** It measures its event loop in milliseconds: nothing runs beside it. */
const QUIET = 'test/integration/relay/backlog';

function sum() {
  const slowest = times.sort((a, b) => b.ms - a.ms).slice(0, 5);
  if (slowest.length > 0) console.log('\nslowest files');
  for (const { name, ms } of slowest)
    console.log(`  ${(ms / 1000).toFixed(1).padStart(6)} s  ${name.replace(`${process.cwd()}/`, '')}`);
  console.log(`\nall took ${((performance.now() - started) / 1000).toFixed(0)} s\n`);
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
  process.exitCode = total.failed === 0 && total.passed > 0 ? 0 : 1;
}

async function all(patterns) {
  const faults = [nodeFault(), ...provide()].filter((fault) => fault !== undefined);
  for (const fault of faults) console.log(fault);
  if (faults.length > 0) return void (total.failed += faults.length);
  rmSync(RESULTS, { recursive: true, force: true });
  mkdirSync(RESULTS, { recursive: true });
  if (mustInstall() && !(await step('install', ['npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error']))) return;
  if (!(await step('build', ['npm', 'run', '--silent', 'build']))) return;
  const unit = `${RESULTS}/unit.json`;
  if (patterns.length === 0)
    await step('check', ['node', 'test/bin/check.mjs', '--keep-going'], { env: { JEST_RESULTS: unit }, results: unit });
  const jest = (name, args) => {
    const results = `${RESULTS}/${name}.json`;
    const run = [...JEST, ...args, '--json', `--outputFile=${results}`];
    return step(name, run, { env: { CHROME_PATH: chromium() }, results });
  };
  if (patterns.length > 0) return void (await jest('chosen', ['--testPathPatterns', ...patterns]));
  const projects = ['--selectProjects', 'integration', 'e2e', 'browser'];
  await jest('rest', [...projects, '--testPathIgnorePatterns', QUIET]);
  await jest('quiet', [...projects, '--testPathPatterns', QUIET]);
}

await all(process.argv.slice(2));
sum();
