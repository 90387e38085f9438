import { execFile, spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

import { jars, java } from '@tradesense/local';

import { inRepository } from './repository.js';

const run = promisify(execFile);
const answers = (command: string, ...args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore', timeout: 20_000 }).status === 0;

/** Debian has the module in a package of its own. */
export const hasVenv = answers('python3', '-c', 'import venv, ensurepip');
/** A runtime alone can't start from a source. */
export const hasJavac =
  spawnSync(java(), ['--list-modules'], { encoding: 'utf8' }).stdout?.includes('jdk.compiler') === true;

/** A Python with the packages of a list, python-socketio's unless told, made once for each list. @returns its command */
export async function python(list = inRepository('test/foreign/python/requirements.txt')): Promise<string> {
  const version = createHash('sha256').update(readFileSync(list)).digest('hex').slice(0, 12);
  const folder = inRepository('.cache', `python-${version}`);
  if (!existsSync(folder)) {
    const draft = `${folder}.${process.pid}`;
    mkdirSync(draft, { recursive: true });
    try {
      await run('python3', ['-m', 'venv', '--copies', draft]);
      await run(`${draft}/bin/python`, ['-m', 'pip', '--quiet', '--disable-pip-version-check', 'install', '-r', list]);
      renameSync(draft, folder);
    } finally {
      rmSync(draft, { recursive: true, force: true });
    }
  }
  return `${folder}/bin/python`;
}

/** Java's client on its class path. */
export const javaClient = async (url: string, challengeId: string): Promise<readonly string[]> => [
  '-cp',
  await jars('socket.io-client-2.1.2', inRepository('test/foreign/java/pom.xml')),
  inRepository('test/foreign/java/Smoke.java'),
  url,
  challengeId,
];

/** A client written elsewhere, as a process that says line by line what happens to it. */
export class ForeignClient {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;
  /** Its exit code. */
  readonly ended: Promise<number | null>;

  constructor(command: string, args: readonly string[], token: string) {
    this.#child = spawn(command, args, {
      env: { PATH: process.env['PATH'], TOKEN: token },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      if (stream !== null) createInterface(stream).on('line', (line) => this.lines.push(line));
    this.ended = new Promise((resolve) => this.#child.once('exit', resolve));
  }

  async end(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended;
  }
}
