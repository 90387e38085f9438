/** Steps of a script: run side by side, reported in order with their times, stopped at the first red. */
import { spawn } from 'node:child_process';
import { performance } from 'node:perf_hooks';

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

/** Runs a command to its end; its output is kept until somebody needs it, or goes straight through with `show`. */
export function run({ name, command, env = {}, show = false }) {
  const [file, ...args] = command;
  const started = performance.now();
  const child = spawn(file === 'node' ? process.execPath : file, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', show ? 'inherit' : 'pipe', show ? 'inherit' : 'pipe'],
  });
  const output = [];
  child.stdout?.on('data', (bytes) => output.push(bytes));
  child.stderr?.on('data', (bytes) => output.push(bytes));
  const ended = new Promise((resolve) => {
    const end = (ok, why = '') =>
      resolve({ name, ok, tookMs: performance.now() - started, output: Buffer.concat(output).toString() + why });
    child.once('error', (error) => end(false, `${file} can not be started: ${error.message}\n`));
    child.once('close', (code, signal) => end(code === 0, signal === null ? '' : `ended by ${signal}\n`));
  });
  return { ended, stop: () => child.kill('SIGTERM') };
}

/**
 * Steps start in order, at most `width` at a time; one waits for those it names in `after`. Says how each went as soon as it
 * is over, and stops all at the first that fails.
 */
export async function runAll(steps, width = 2) {
  const running = new Map();
  const done = new Set();
  const waiting = [...steps];
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
    console.log(`${result.ok ? 'ok ' : 'RED'}  ${result.name.padEnd(12)} ${seconds(result.tookMs).padStart(7)}`);
    if (result.ok) continue;
    for (const { stop } of running.values()) stop();
    console.log(`\n${result.output.trimEnd()}\n`);
    return false;
  }
  return true;
}
