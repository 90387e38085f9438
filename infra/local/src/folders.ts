import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { isAlive, ownIdentity, signalTo, type ProcessIdentity } from './bootstrap/process-identity.mjs';
import { until } from './process/until.js';

export const isRoot = process.getuid?.() === 0;

/** PostgreSQL never runs as root, so as root everything it touches must lie where another user can get to. */
function othersCanReach(path: string): boolean {
  const parent = dirname(path);
  if (existsSync(path) && (statSync(path).mode & 0o001) === 0) return false;
  return parent === path || othersCanReach(parent);
}

/** What is worth keeping between runs: binaries, jars, the demo's data. `STACK_CACHE` names another place. */
export function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  const wanted = env['STACK_CACHE'] || join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'tradesense');
  const folder = !isRoot || othersCanReach(wanted) ? wanted : '/var/cache/tradesense';
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  return folder;
}

function temporaryFolder(): string {
  const parent = !isRoot || othersCanReach(tmpdir()) ? tmpdir() : '/tmp';
  const folder = join(parent, `tradesense-stacks-${process.getuid?.() ?? 0}`);
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  // Whoever owns it decides which processes a sweep ends.
  if (statSync(folder).uid !== (process.getuid?.() ?? 0)) throw new Error(`${folder} belongs to somebody else`);
  return folder;
}

/**
 * A folder that is either whole or absent, also when several processes make it at once: made beside its place and moved there.
 * @returns the folder's path
 */
export async function makeOnce(folder: string, make: (draft: string) => Promise<void> | void): Promise<string> {
  if (existsSync(folder)) return folder;
  const draft = `${folder}.${process.pid}.${randomBytes(4).toString('hex')}`;
  mkdirSync(draft, { recursive: true, mode: 0o755 });
  try {
    await make(draft);
    renameSync(draft, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error; // else somebody else was quicker
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
  return folder;
}

interface Ownership {
  readonly owner: ProcessIdentity;
  /** Servers whose files lie here. */
  readonly servers: readonly ProcessIdentity[];
}

const OWNER = 'owner.json';
const DRAFT_PREFIX = 'draft-';
const DRAFT_MAX_AGE_MS = 60_000;
const ORPHANS_END_WITHIN_MS = 10_000;

/** A folder of files that belong to this process and die with it. Its owner is written before anybody can see it. */
export function ownFolder(): string {
  const parent = temporaryFolder();
  sweep();
  const draft = mkdtempSync(join(parent, DRAFT_PREFIX));
  chmodSync(draft, 0o755);
  noteOwnership(draft, []);
  const folder = join(parent, `stack-${process.pid}-${randomBytes(4).toString('hex')}`);
  renameSync(draft, folder);
  return folder;
}

function noteOwnership(folder: string, servers: readonly ProcessIdentity[]): void {
  const ownership: Ownership = { owner: ownIdentity(), servers };
  const draft = join(folder, `${OWNER}.${randomBytes(4).toString('hex')}`);
  writeFileSync(draft, JSON.stringify(ownership));
  renameSync(draft, join(folder, OWNER));
}

/** Notes that a process belongs to our folder: whoever finds us dead ends it. */
export function noteServer(folder: string, server: ProcessIdentity): void {
  noteOwnership(folder, [...(ownershipOf(folder)?.servers ?? []), server]);
}

function ownershipOf(folder: string): Ownership | undefined {
  try {
    return JSON.parse(readFileSync(join(folder, OWNER), 'utf8')) as Ownership;
  } catch {
    return undefined;
  }
}

/**
 * Takes over a folder of kept data, and ends what still runs there of an owner that is dead: when it resolves, that one's ports
 * are free again. May be called again by who owns it.
 */
export async function claimFolder(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  if (isRoot && !othersCanReach(folder))
    throw new Error(
      `${folder} can not be reached by the user that PostgreSQL runs as: choose another, or chmod a+x its path`,
    );
  const ownership = ownershipOf(folder);
  if (ownership !== undefined && isAlive(ownership.owner)) {
    if (ownership.owner.pid === process.pid) return;
    throw new Error(`${folder} is in use by process ${ownership.owner.pid}`);
  }
  endOrphans(folder);
  const orphans = ownership?.servers ?? [];
  await until(() => Promise.resolve(orphans.some(isAlive) ? undefined : true), {
    what: `the end of what ran in ${folder}`,
    withinMs: ORPHANS_END_WITHIN_MS,
  });
  noteOwnership(folder, []);
}

/** Another process may have it now. */
export function releaseFolder(folder: string): void {
  if (ownershipOf(folder)?.owner.pid === process.pid) rmSync(join(folder, OWNER), { force: true });
}

/** Ends what is left of servers whose owner is dead. Their keeper has done so, unless it was killed as well. */
function endOrphans(folder: string): void {
  const ownership = ownershipOf(folder);
  if (ownership === undefined || isAlive(ownership.owner)) return;
  for (const server of ownership.servers) signalTo(server, 'SIGKILL');
}

/**
 * Removes temporary folders whose owner is dead, and only those (pitfall X3). Several may sweep at once: a folder goes out of the
 * way as a whole before anything in it is removed. Otherwise its owner's name is gone first, and to another sweep, or to all later
 * ones if this one is killed, the rest looks like somebody's.
 */
export function sweep(): void {
  const parent = temporaryFolder();
  for (const name of readdirSync(parent)) {
    const folder = join(parent, name);
    if (!isAbandoned(folder, name)) continue;
    endOrphans(folder);
    const aside = join(parent, `${DRAFT_PREFIX}swept-${randomBytes(4).toString('hex')}`);
    if (isMoved(folder, aside)) rmSync(aside, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** False: another sweep was quicker. */
function isMoved(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function isAbandoned(folder: string, name: string): boolean {
  const ownership = ownershipOf(folder);
  if (ownership !== undefined) return !isAlive(ownership.owner);
  if (!name.startsWith(DRAFT_PREFIX)) return false;
  try {
    return Date.now() - statSync(folder).mtimeMs > DRAFT_MAX_AGE_MS;
  } catch {
    return false; // somebody else's sweep has taken it
  }
}
