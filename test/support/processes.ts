import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

import { inRepository } from './repository.js';
import { until, within } from './until.js';

export interface Launch {
  readonly name: string;
  /** What `npm run build` made, below the repository. */
  readonly entry: string;
  /** All of it: nothing is inherited but PATH, so that neither Jest's NODE_ENV nor its NODE_OPTIONS reach a service (pitfall K6). */
  readonly env: Readonly<Record<string, string>>;
  readonly nodeOptions?: readonly string[];
}

export interface LogLine {
  readonly level?: string;
  readonly msg?: string;
  readonly [field: string]: unknown;
}

interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const STOP_WITHIN_MS = 15_000;
const START_WITHIN_MS = 30_000;
const SHOWN_LINES = 60;

const parse = (line: string): LogLine => {
  try {
    return JSON.parse(line) as LogLine;
  } catch {
    return { msg: line };
  }
};

/** A built service as a process of its own, as production runs it. */
export class ServiceProcess {
  readonly #child: ChildProcess;
  readonly #lines: string[] = [];
  readonly exit: Promise<Exit>;
  #ended: Exit | undefined;

  constructor(private readonly launch: Launch) {
    const entry = inRepository(launch.entry);
    if (!existsSync(entry)) throw new Error(`${launch.entry} is not there: npm run build makes it`);
    const preload = pathToFileURL(inRepository('test/bin/end-with-parent.mjs')).href;
    this.#child = spawn(process.execPath, ['--import', preload, ...(launch.nodeOptions ?? []), entry], {
      cwd: inRepository(),
      env: { PATH: process.env['PATH'] ?? '', NODE_ENV: 'production', ...launch.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#lines.push(line));
    this.exit = new Promise((resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('close', (code, signal) => {
        this.#ended = { code, signal };
        resolve({ code, signal });
      });
    });
    this.exit.catch(() => undefined); // whoever awaits it sees it; nobody needs to
  }

  get name(): string {
    return this.launch.name;
  }

  get pid(): number {
    if (this.#child.pid === undefined) throw new Error(`${this.name} was never started`);
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#ended === undefined;
  }

  /** Everything it has written, both streams, as it came. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The last lines, for a failure's message. */
  tail(): string {
    const exit = this.#ended === undefined ? '' : ` (ended: code ${this.#ended.code}, signal ${this.#ended.signal})`;
    return [`--- ${this.name}${exit}`, ...this.#lines.slice(-SHOWN_LINES)].join('\n');
  }

  logged(msg: string): readonly LogLine[] {
    return this.#lines.map(parse).filter((line) => line.msg === msg);
  }

  /** Until it is ready: listening, and content with what it needs. Fails at once when it ends instead. */
  async ready(withinMs = START_WITHIN_MS): Promise<this> {
    try {
      await Promise.race([
        until(
          () => this.readiness(),
          ({ status }) => status === 200,
          { withinMs, what: `${this.name} is ready` },
        ),
        this.exit.then(({ code }) => Promise.reject(new Error(`${this.name} ended with ${code} instead of starting`))),
      ]);
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${this.tail()}`);
    }
    return this;
  }

  /** The port of the latest line `listening`, or of the admin listener's. */
  #portOf(msg: string): number {
    const port = this.logged(msg).at(-1)?.['port'];
    if (typeof port !== 'number') throw new Error(`${this.name} has not logged '${msg}' with a port`);
    return port;
  }
  get port(): number {
    return this.#portOf('listening');
  }
  get adminPort(): number {
    return this.#portOf('admin listening');
  }

  async readiness(): Promise<{ readonly status: number; readonly body: string }> {
    const response = await fetch(`http://127.0.0.1:${this.adminPort}/readyz`, { signal: AbortSignal.timeout(5_000) });
    return { status: response.status, body: await response.text() };
  }

  async metrics(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.adminPort}/metrics`, { signal: AbortSignal.timeout(5_000) });
    return response.text();
  }

  freeze(): void {
    process.kill(this.pid, 'SIGSTOP');
  }
  thaw(): void {
    process.kill(this.pid, 'SIGCONT');
  }

  /** SIGKILL: no chance to say or save anything. */
  async kill(): Promise<void> {
    if (this.isRunning) this.#child.kill('SIGKILL');
    await within(STOP_WITHIN_MS, `${this.name} is killed`, this.exit);
  }

  /** SIGTERM, and the exit code it leaves with. One that does not leave is killed, and that is an error. */
  async stop(): Promise<number | null> {
    if (this.isRunning) {
      this.#child.kill('SIGCONT');
      this.#child.kill('SIGTERM');
    }
    try {
      return (await within(STOP_WITHIN_MS, `${this.name} stops`, this.exit)).code;
    } catch (error) {
      await this.kill();
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${this.tail()}`);
    }
  }
}

/** The processes of one test file: they end with it, and in order. */
export class Processes {
  readonly #all: ServiceProcess[] = [];

  /** Starts one; `ready()` says when it may be used. */
  spawn(launch: Launch): ServiceProcess {
    const service = new ServiceProcess(launch);
    this.#all.push(service);
    return service;
  }

  /** What everything started here has written: no secret may be in it. */
  get lines(): readonly string[] {
    return this.#all.flatMap(({ lines }) => lines);
  }

  tails(): string {
    return this.#all.map((service) => service.tail()).join('\n');
  }

  /** Stops what still runs, latest first. What ends with another code than 0 fails the file. */
  async stop(): Promise<void> {
    const faults: string[] = [];
    for (const service of [...this.#all].reverse()) {
      if (!service.isRunning) continue;
      try {
        const code = await service.stop();
        if (code !== 0) faults.push(`${service.name} ended with ${code}\n${service.tail()}`);
      } catch (error) {
        faults.push(error instanceof Error ? error.message : String(error));
      }
    }
    if (faults.length > 0) throw new Error(faults.join('\n'));
  }
}
