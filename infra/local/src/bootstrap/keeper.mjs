/**
 * Stands between a process that starts a server and that server: when the first one is gone, however it went, the server
 * goes too. The channel to the parent is the lifeline; the kernel closes it even when the parent was killed by SIGKILL
 * (pitfall X3). The server's output is not touched: it inherits ours.
 *
 *   node keeper.mjs '{"command": …, "args": […], "cwd"?, "uid"?, "gid"?, "lastSignal": "SIGTERM", "farewell"?: […]}'
 *
 * The farewell is a command that ends what the kept process only watches, as `docker logs` does a container.
 *
 * @typedef {{ cwd?: string, uid?: number, gid?: number }} Options
 * @typedef {Options & { command: string, args: readonly string[], lastSignal: NodeJS.Signals, farewell?: readonly string[] }} Kept
 * @typedef {{ is: 'started', pid: number } | { is: 'failed', why: string } | { is: 'ended', code: number | null, signal: NodeJS.Signals | null }} Report
 */
import { spawn } from 'node:child_process';

const PATIENCE_MS = 2_500;

/** @type {Kept} */
const { command, args, lastSignal, farewell, ...options } = JSON.parse(process.argv[2] ?? '');
const kept = spawn(command, args, { ...options, stdio: ['ignore', 'inherit', 'inherit'] });

/** @param {Report} report */
const report = (report) => {
  if (process.connected) process.send?.(report);
};

/** Also a stopped (frozen) process takes SIGKILL. */
const end = () => {
  kept.kill(lastSignal);
  setTimeout(() => kept.kill('SIGKILL'), PATIENCE_MS).unref();
};

kept.on('spawn', () => report({ is: 'started', pid: /** @type {number} */ (kept.pid) }));
kept.on('error', (error) => report({ is: 'failed', why: error.message }));
kept.on('exit', (code, signal) => report({ is: 'ended', code, signal }));
kept.on('close', () => {
  if (process.connected) process.disconnect();
});
process.on('disconnect', () => {
  const isOver = kept.exitCode !== null || kept.signalCode !== null;
  if (!isOver && farewell?.[0] !== undefined) spawn(farewell[0], farewell.slice(1), { stdio: 'ignore' });
  end();
});
process
  .on('SIGTERM', end)
  .on('SIGINT', () => undefined)
  .on('SIGHUP', () => undefined);
