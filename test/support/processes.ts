import { existsSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

import { KeptProcess, type Exit } from '@tradesense/local';

import { inRepository } from './repository.js';
import { until } from './until.js';

export interface Launch {
  readonly name: string;
  /** What `npm run build` made, below the repository. */
  readonly entry: string;
  /** For Node.js, before it. */
  readonly flags?: readonly string[];
  /** All of it: nothing is inherited but PATH, so that neither Jest's NODE_ENV nor its NODE_OPTIONS reach a service (pitfall K6). */
  readonly env: Readonly<Record<string, string>>;
  /** A module to be run before it, built by `npm run build` as well. */
  readonly preload?: string;
}

export interface LogLine {
  readonly time?: string;
  readonly level?: string;
  readonly msg?: string;
  readonly [field: string]: unknown;
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

function built(path: string): string {
  const file = inRepository(path);
  if (!existsSync(file)) throw new Error(`${path} is not there: npm run build makes it`);
  return file;
}

/** A built service as a process of its own, as production runs it. It does not outlive the test, however that one ends. */
export class ServiceProcess {
  readonly #lines: string[] = [];
  #isWantedToEnd = false;

  private constructor(
    readonly name: string,
    private readonly kept: KeptProcess,
  ) {
    for (const stream of [kept.stdout, kept.stderr])
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#lines.push(line));
  }

  static async start({ name, entry, flags = [], env, preload }: Launch): Promise<ServiceProcess> {
    const kept = await KeptProcess.start({
      name,
      command: process.execPath,
      args: [
        ...flags,
        ...(preload === undefined ? [] : ['--import', pathToFileURL(built(preload)).href]),
        built(entry),
      ],
      cwd: inRepository(),
      env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...env },
      output: 'pipe',
    });
    return new ServiceProcess(name, kept);
  }

  get pid(): number {
    return this.kept.pid;
  }

  get isRunning(): boolean {
    return this.kept.exit === undefined;
  }

  /** It has ended, and nobody here asked it to. */
  get hasFallen(): boolean {
    return !this.isRunning && !this.#isWantedToEnd;
  }

  /** Everything it has written, both streams, as it came. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** The last lines, for a failure's message. */
  tail(): string {
    const { exit: ended } = this.kept;
    const exit = ended === undefined ? '' : ` (ended: code ${ended.code}, signal ${ended.signal})`;
    return [`--- ${this.name}${exit}`, ...this.#lines.slice(-SHOWN_LINES)].join('\n');
  }

  logged(msg: string): readonly LogLine[] {
    return this.#lines.map(parse).filter((line) => line.msg === msg);
  }

  /** Until it is ready: listening, and content with what it needs. Fails at once when it ends instead. */
  async ready(withinMs = START_WITHIN_MS): Promise<this> {
    const state = async () => (this.isRunning ? this.readiness() : { status: 0, body: 'it has ended' });
    const isSettled = ({ status }: { status: number }) => status === 200 || status === 0;
    try {
      await until(state, isSettled, { withinMs, what: `${this.name} is ready` });
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : String(error)}\n${this.tail()}`);
    }
    if (!this.isRunning) throw new Error(`${this.name} ended instead of starting\n${this.tail()}`);
    return this;
  }

  /** The port of the latest such line. */
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

  /** Whether its loop turns. */
  async liveness(): Promise<number> {
    return (await fetch(`http://127.0.0.1:${this.adminPort}/livez`, { signal: AbortSignal.timeout(5_000) })).status;
  }

  /** Until it is not ready and says so in these words; it must be running all the same. */
  async refuses(words: RegExp, withinMs = 20_000): Promise<void> {
    await until(
      () => this.readiness(),
      ({ status, body }) => status === 503 && words.test(body),
      { withinMs, what: `readiness says ${words}` },
    );
    if (!this.isRunning) throw new Error(`${this.name} has ended\n${this.tail()}`);
  }

  async metrics(): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${this.adminPort}/metrics`, { signal: AbortSignal.timeout(5_000) });
    return response.text();
  }

  /** The sum of a metric's series, whose labels hold this text; undefined when it has none. */
  async metric(name: string, label = ''): Promise<number | undefined> {
    return sumOf(await this.metrics(), name, label);
  }

  freeze(): void {
    this.kept.signal('SIGSTOP');
  }
  thaw(): void {
    this.kept.signal('SIGCONT');
  }

  /** SIGKILL: no chance to say or save anything. */
  async kill(): Promise<void> {
    this.#isWantedToEnd = true;
    await this.kept.kill();
  }

  /** SIGTERM, and how it left. One that does not leave is killed, and then it left by SIGKILL. */
  async stop(): Promise<Exit> {
    this.#isWantedToEnd = true;
    this.thaw();
    return this.kept.stop(STOP_WITHIN_MS);
  }
}

/** Of a metric in Prometheus' text format. */
function sumOf(exposition: string, name: string, label: string): number | undefined {
  const values = exposition
    .split('\n')
    .filter((line) => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(label))
    .map((line) => Number(line.slice(line.lastIndexOf(' ') + 1)));
  return values.length === 0 ? undefined : values.reduce((total, value) => total + value, 0);
}

/** The processes of one test file: they end with it, and in order. */
export class Processes {
  readonly #all: ServiceProcess[] = [];

  /** Starts one; `ready()` says when it may be used. */
  async start(launch: Launch): Promise<ServiceProcess> {
    const service = await ServiceProcess.start(launch);
    this.#all.push(service);
    return service;
  }

  /** What everything started here has written: no secret may be in it. */
  get lines(): readonly string[] {
    return this.#all.flatMap(({ lines }) => lines);
  }

  /** Stops what still runs, latest first. What ends with another code than 0, or has ended by itself, fails the file. */
  async stop(): Promise<void> {
    const faults: string[] = [];
    for (const service of [...this.#all].reverse()) {
      if (service.hasFallen) faults.push(`${service.name} ended by itself\n${service.tail()}`);
      if (!service.isRunning) continue;
      const { code, signal } = await service.stop();
      if (code !== 0) faults.push(`${service.name} ended with ${code ?? signal}\n${service.tail()}`);
    }
    if (faults.length > 0) throw new Error(faults.join('\n'));
  }
}
