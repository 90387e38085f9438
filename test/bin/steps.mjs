/** Steps of a script: run side by side, reported in order with their times, stopped at the first red. */
import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

/** What takes longer hangs, unless it says how long it takes. */
const LONGEST_MS = 15 * 60_000;
const PATIENCE_MS = 5_000;

/** Ends a command with all it has started; a worker that spins hears nothing but SIGKILL. */
function end({ pid }) {
  const signal = (name) => {
    try {
      process.kill(-pid, name);
    } catch {
      // has ended by itself
    }
  };
  signal('SIGTERM');
  setTimeout(signal, PATIENCE_MS, 'SIGKILL').unref();
}

/**
 * Runs a command to its end; its output is kept until somebody needs it, or goes straight through with `show`. It is a process
 * group of its own, so that all of it can be ended: by `stop`, by a signal to us, or because it takes too long.
 */
export function run({ name, command, env = {}, show = false, longestMs = LONGEST_MS }) {
  const [file, ...args] = command;
  const started = performance.now();
  const output = [];
  const child = spawn(file === 'node' ? process.execPath : file, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
    detached: true,
  });
  child.stdout?.on('data', (bytes) => output.push(bytes));
  child.stderr?.on('data', (bytes) => output.push(bytes));
  const stop = () => end(child);
  const onSignal = (signal) => {
    process.exitCode = 128 + (signal === 'SIGINT' ? 2 : 15);
    stop();
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  const deadline = setTimeout(() => {
    console.error(`${name} takes longer than ${longestMs / 1_000} s and is ended`);
    stop();
  }, longestMs);
  const ended = new Promise((resolve) => {
    const settle = (ok, why = '') => {
      clearTimeout(deadline);
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
      resolve({ name, ok, tookMs: performance.now() - started, output: Buffer.concat(output).toString() + why });
    };
    child.once('error', (error) => settle(false, `${file} can not be started: ${error.message}\n`));
    child.once('close', (code, signal) => settle(code === 0, signal === null ? '' : `ended by ${signal}\n`));
  });
  return { ended, stop };
}

/**
 * Steps start in order, at most `width` at a time; one waits for those it names in `after`. Says how each went as soon as it
 * is over. Stops all at the first that fails, unless it is to keep going.
 */
export async function runAll(steps, { width = 2, keepGoing = false } = {}) {
  const running = new Map();
  const done = new Set();
  const waiting = [...steps];
  let ok = true;
  while (waiting.length > 0 || running.size > 0) {
    for (const step of [...waiting]) {
      if (running.size >= width) break;
      if (!(step.after ?? []).every((name) => done.has(name))) continue;
      waiting.splice(waiting.indexOf(step), 1);
      running.set(step.name, run(step));
    }
    const result = await Promise.race([...running.values()].map(({ ended }) => ended));
    running.delete(result.name);
    done.add(result.name);
    report(result);
    ok &&= result.ok;
    if (ok || keepGoing) continue;
    for (const { stop } of running.values()) stop();
    await Promise.all([...running.values()].map(({ ended }) => ended));
    return false;
  }
  return ok;
}

function report({ name, ok, tookMs, output }) {
  console.log(`${ok ? 'ok ' : 'RED'}  ${name.padEnd(12)} ${seconds(tookMs).padStart(7)}`);
  if (!ok) console.log(`\n${output.trimEnd()}\n`);
}
