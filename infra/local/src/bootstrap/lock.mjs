/**
 * A lock file that names the process holding it. Whose process is gone holds nothing: the next one takes the lock over.
 *
 * @typedef {import('./process-identity.mjs').ProcessIdentity} ProcessIdentity
 * @typedef {{ readonly is: 'taken', release(): void } | { readonly is: 'held', readonly by: ProcessIdentity & { readonly note?: unknown } }} Lock
 */
import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { isAlive, ownIdentity } from './process-identity.mjs';

const ATTEMPTS = 20;

/**
 * @param {string} path
 * @returns {(ProcessIdentity & { note?: unknown }) | undefined} undefined: there is none
 */
export function holderOf(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ENOENT') return undefined;
    if (error instanceof SyntaxError) return { pid: 0, born: 'unreadable' };
    throw error;
  }
}

/**
 * @param {string} path
 * @param {unknown} [note] whatever the next one should know of the holder
 * @returns {Lock}
 */
export function tryLock(path, note) {
  const own = ownIdentity();
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${own.pid}.${randomBytes(4).toString('hex')}`;
  writeFileSync(draft, JSON.stringify({ ...own, note }));
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      if (linked(draft, path)) return { is: 'taken', release: () => release(path, own) };
      const holder = holderOf(path);
      if (holder !== undefined && isAlive(holder)) return { is: 'held', by: holder };
      if (holder !== undefined) takeAway(path, holder, `${draft}.dead`);
    }
    throw new Error(`${path} changes hands all the time`);
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * A link appears whole or not at all, and never over an existing name.
 * @param {string} draft
 * @param {string} path
 */
function linked(draft, path) {
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Two may find the same dead holder. The slower one then moves the quicker one's fresh lock away: it sees that, and puts it back.
 * @param {string} path
 * @param {ProcessIdentity} dead
 * @param {string} aside
 */
function takeAway(path, dead, aside) {
  try {
    renameSync(path, aside);
  } catch {
    return; // gone already
  }
  const moved = holderOf(aside);
  if (moved !== undefined && (moved.pid !== dead.pid || moved.born !== dead.born)) linked(aside, path);
  rmSync(aside, { force: true });
}

/**
 * @param {string} path
 * @param {ProcessIdentity} own
 */
function release(path, own) {
  const holder = holderOf(path);
  if (holder?.pid === own.pid && holder.born === own.born) rmSync(path, { force: true });
}

/**
 * Runs `act` while no other process runs its own under the same path.
 * @template Value
 * @param {string} path
 * @param {() => Promise<Value>} act
 * @param {number} [withinMs] longest wait for the others
 * @returns {Promise<Value>}
 */
export async function exclusively(path, act, withinMs = 300_000) {
  const deadline = Date.now() + withinMs;
  let lock = tryLock(path);
  while (lock.is === 'held') {
    if (Date.now() > deadline)
      throw new Error(`${path} is held by process ${lock.by.pid} for more than ${withinMs} ms`);
    await sleep(100);
    lock = tryLock(path);
  }
  try {
    return await act();
  } finally {
    lock.release();
  }
}
