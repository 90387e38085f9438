import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';

import { identityOf, signalTo, type ProcessIdentity } from '../bootstrap/process-identity.mjs';
import { withDeadline } from './until.js';

const KEEPER = fileURLToPath(new URL('../bootstrap/keeper.mjs', import.meta.url));

export interface ProcessSpec {
  /** What it is called in messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment; nothing is inherited. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** Whom it runs as; only root can choose. */
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
  /** A file that output is appended to, or `pipe`: then `stdout` and `stderr` must be read. */
  readonly output: 'pipe' | { readonly file: string };
  /** What asks it to end in order. */
  readonly stopSignal?: NodeJS.Signals;
  /** A command to be run when this process has died before the kept one. */
  readonly farewell?: readonly string[];
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

type Report =
  | { readonly is: 'started'; readonly pid: number }
  | { readonly is: 'failed'; readonly why: string }
  | ({ readonly is: 'ended' } & Exit);

/**
 * A process that does not outlive this one (keeper.mjs). Signals go to the process itself, never to whoever has its number
 * now.
 */
export class KeptProcess {
  #exit: Exit | undefined;

  private constructor(
    readonly name: string,
    readonly identity: ProcessIdentity,
    /** Resolves once, when it has ended; a death of its keeper counts, which takes it along. */
    readonly exited: Promise<Exit>,
    readonly stdout: Readable | null,
    readonly stderr: Readable | null,
    private readonly stopSignal: NodeJS.Signals,
  ) {
    void exited.then((exit) => (this.#exit = exit));
  }

  static async start(spec: ProcessSpec): Promise<KeptProcess> {
    const { name, command, args, env, cwd, user, output, stopSignal = 'SIGTERM', farewell } = spec;
    const kept = JSON.stringify({ command, args, cwd, ...user, lastSignal: stopSignal, farewell });
    const log = output === 'pipe' ? 'pipe' : openSync(output.file, 'a', 0o644);
    const keeper = spawn(process.execPath, [KEEPER, kept], {
      env: { ...env },
      stdio: ['ignore', log, log, 'ipc'],
      detached: true, // Ctrl-C in the terminal is the parent's to handle, in its order
    });
    if (typeof log === 'number') closeSync(log);
    const { started, exited } = follow(keeper, name);
    const pid = await started;
    // Gone between its start and now: an identity nobody has, so that signals find nothing.
    const identity = identityOf(pid) ?? { pid, born: 'gone' };
    void exited.then(() => identity.born !== 'gone' && signalTo(identity, 'SIGKILL'));
    return new KeptProcess(name, identity, exited, keeper.stdout, keeper.stderr, stopSignal);
  }

  get pid(): number {
    return this.identity.pid;
  }

  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** False: it was gone already. */
  signal(signal: NodeJS.Signals): boolean {
    return this.#exit === undefined && signalTo(this.identity, signal);
  }

  /** Asks it to end, and ends it after `graceMs`. May be called twice, and when it is gone. */
  async stop(graceMs = 10_000): Promise<Exit> {
    this.signal(this.stopSignal);
    return withDeadline(this.exited, graceMs).catch(() => this.kill());
  }

  async kill(): Promise<Exit> {
    this.signal('SIGKILL');
    return this.ended();
  }

  ended(withinMs = 30_000): Promise<Exit> {
    return withDeadline(this.exited, withinMs, `${this.name} (pid ${this.pid}) has not ended after ${withinMs} ms`);
  }
}

function follow(keeper: ChildProcess, name: string): { started: Promise<number>; exited: Promise<Exit> } {
  const exited = new Promise<Exit>((resolve) => {
    keeper.on('message', (message: Report) => message.is === 'ended' && resolve(message));
    keeper.on('exit', (code, signal) => resolve({ code, signal }));
  });
  const started = new Promise<number>((resolve, reject) => {
    const refuse = (why: string) => reject(new Error(`${name} does not start: ${why}`));
    keeper.on('message', (message: Report) => {
      if (message.is === 'started') resolve(message.pid);
      else if (message.is === 'failed') refuse(message.why);
    });
    keeper.on('error', (error) => refuse(error.message));
    keeper.on('exit', (code, signal) => refuse(`its keeper ended with ${code ?? signal}`));
  });
  return { started, exited };
}
