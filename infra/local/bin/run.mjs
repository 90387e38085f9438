/**
 * What `npm start` and `npm run stack` share. Works in a fresh clone: until everything is installed and built it uses Node.js
 * alone. One of either runs per checkout; the lock is the process that holds it, so a dead one holds nothing.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { tryLock } from '../src/bootstrap/lock.mjs';
import { dockerAnswers, engineFault, javaMajor, mustInstall, nodeFault, onPath } from '../src/bootstrap/machine.mjs';

const repository = resolve(fileURLToPath(new URL('../../..', import.meta.url)));
const cache = join(repository, '.cache');
const say = (line) => console.log(line);
const STOP_WITHIN_MS = 40_000;
/** npm passes on the terminal's Ctrl-C, which we have had already: only a later one is a second one. */
const ECHO_MS = 1_000;

const USAGE = `npm start [-- --fresh]

  --fresh   empties the demo's data first

  STACK=docker starts PostgreSQL and Kafka in containers. Ports: POSTGRES_PORT, KAFKA_PORT, TRADE_PORT, GATEWAY_PORT,
  DASHBOARD_PORT, and TRADE_, RELAY_, GATEWAY_, DASHBOARD_ADMIN_PORT.`;

/** Containers if asked for, or if there is no Java and Maven but Docker. */
function chooseEngine() {
  const asked = process.env.STACK ?? '';
  if (asked === 'docker' || asked === 'native') return asked;
  const isNative = javaMajor() >= 17 && onPath('mvn') !== undefined;
  return isNative || !dockerAnswers() ? 'native' : 'docker';
}

/** Runs one step with its output in a file; on failure its last lines are shown. */
function step(what, command, args, signal) {
  if (signal.aborted) return Promise.reject(new Error('interrupted'));
  say(what);
  mkdirSync(cache, { recursive: true });
  const file = join(cache, 'set-up.log');
  const log = openSync(file, 'w');
  const child = spawn(command, args, { cwd: repository, stdio: ['ignore', log, log], detached: true });
  const stop = () => process.kill(-child.pid, 'SIGTERM');
  signal.addEventListener('abort', stop, { once: true });
  return new Promise((done, fail) => {
    child.once('error', (error) => fail(new Error(`${command} can not be started: ${error.message}`)));
    child.once('exit', (code) => {
      signal.removeEventListener('abort', stop);
      if (code === 0) return done();
      const tail = readFileSync(file, 'utf8').trimEnd().split('\n').slice(-20).join('\n');
      fail(new Error(signal.aborted ? 'interrupted' : `${what} failed (all of it is in ${file}):\n${tail}`));
    });
  });
}

async function run(start, signal) {
  const options = process.argv.slice(2);
  if (options.includes('--help') || options.includes('-h')) return say(USAGE);
  const unknown = options.filter((option) => option !== '--fresh');
  if (unknown.length > 0) throw new Error(`unknown option ${unknown.join(' ')}\n\n${USAGE}`);
  const fault = nodeFault(undefined, 'start');
  if (fault !== undefined) throw new Error(fault);

  mkdirSync(cache, { recursive: true });
  const pageFile = join(cache, 'page');
  const lock = tryLock(join(cache, 'start.lock'));
  if (lock.is === 'held') {
    say(`TradeSense Live is running already (process ${lock.by.pid}); Ctrl-C in its terminal stops it.`);
    return say(shownPage(pageFile));
  }
  rmSync(pageFile, { force: true });
  try {
    const engine = chooseEngine();
    const missing = engineFault(engine);
    if (missing !== undefined) throw new Error(missing);
    if (mustInstall(repository))
      await step('Installing packages', 'npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], signal);
    await step('Building', 'npm', ['run', '--silent', 'build:product'], signal);
    const demo = await import('../dist/demo/run-demo.js');
    await demo[start]({
      repository,
      engine,
      fresh: options.includes('--fresh'),
      say,
      signal,
      onPage: (address) => writeFileSync(pageFile, address, { mode: 0o600 }),
    });
  } finally {
    rmSync(pageFile, { force: true });
    lock.release();
  }
}

function shownPage(file) {
  try {
    return `\n  Page  ${readFileSync(file, 'utf8')}\n`;
  } catch {
    return 'It is still starting.';
  }
}

/** @param {'runDemo' | 'runStack'} start */
export async function main(start) {
  const stopping = new AbortController();
  let stoppingSince = 0;
  const endAtOnce = () => process.exit(1); // what we have started ends with us
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    process.on(signal, () => {
      if (!stopping.signal.aborted) {
        stoppingSince = Date.now();
        setTimeout(endAtOnce, STOP_WITHIN_MS).unref();
        stopping.abort();
      } else if (Date.now() - stoppingSince > ECHO_MS) endAtOnce();
    });
  try {
    await run(start, stopping.signal);
  } catch (error) {
    if (error.message === 'interrupted') process.exitCode = 130;
    else {
      console.error(`\n${error.message}`);
      process.exitCode = 1;
    }
  }
}
