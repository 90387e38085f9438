import { identityOf, signalTo, type ProcessIdentity } from '../bootstrap/process-identity.mjs';
import { KeptProcess, type ProcessSpec } from '../process/kept-process.js';
import { until } from '../process/until.js';
import type { Server } from '../server.js';

/** A server as processes of this machine. */
export abstract class ProcessServer implements Server {
  abstract readonly name: string;
  #process: KeptProcess | undefined;
  #starting: Promise<void> | undefined;

  constructor(
    private readonly logFile: string,
    private readonly readyWithinMs: number,
    /** Told who runs now, so that whoever comes after us can end it. */
    private readonly onStart: (server: ProcessIdentity) => void,
  ) {}

  /** Prepares its data, if need be, and says how to start it. */
  protected abstract launch(): Promise<Omit<ProcessSpec, 'name' | 'output'>>;
  /** True once it serves. */
  protected abstract answers(): Promise<true | undefined>;
  /** All processes that are this server, beside the one that was started. */
  protected abstract helpersOf(identity: ProcessIdentity): readonly ProcessIdentity[];

  get pid(): number | undefined {
    return this.#running?.identity.pid;
  }

  get #running(): KeptProcess | undefined {
    return this.#process?.exit === undefined ? this.#process : undefined;
  }

  start(): Promise<void> {
    if (this.#running !== undefined && this.#starting === undefined) return Promise.resolve();
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  async #start(): Promise<void> {
    const started = await KeptProcess.start({
      ...(await this.launch()),
      name: this.name,
      output: { file: this.logFile },
    });
    this.#process = started;
    this.onStart(started.identity);
    await until(() => this.answers(), {
      what: `the start of ${this.name}`,
      withinMs: this.readyWithinMs,
      given: () => started.exit && `it ended with ${started.exit.code ?? started.exit.signal}, see ${this.logFile}`,
    });
  }

  async stop(): Promise<void> {
    await this.thaw();
    await this.#running?.stop();
    await this.#settled();
    await this.#running?.stop();
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#kill(signal);
    await this.#settled();
    await this.#kill(signal);
  }

  async #kill(signal: NodeJS.Signals): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    const all = this.#all();
    if (signal === 'SIGKILL') for (const identity of all) signalTo(identity, signal);
    else running.signal(signal);
    await running.ended();
    // What lives on may hold files or memory, and the next start would refuse.
    await until(async () => all.every(({ pid, born }) => identityOf(pid)?.born !== born) || undefined, {
      what: `the end of all processes of ${this.name}`,
      withinMs: 10_000,
      everyMs: 10,
    });
  }

  /** A start under way fails as soon as its process is gone, but that may not be there yet. */
  async #settled(): Promise<void> {
    await this.#starting?.catch(() => undefined);
  }

  async freeze(): Promise<void> {
    this.#running?.signal('SIGSTOP'); // first: from now on no helper is added
    for (const identity of this.#all()) signalTo(identity, 'SIGSTOP');
  }

  async thaw(): Promise<void> {
    for (const identity of this.#all().reverse()) signalTo(identity, 'SIGCONT');
  }

  #all(): ProcessIdentity[] {
    const identity = this.#running?.identity;
    return identity === undefined ? [] : [identity, ...this.helpersOf(identity)];
  }
}
