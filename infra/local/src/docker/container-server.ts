import { getContainerRuntimeClient, type StartedTestContainer, type TestContainer } from 'testcontainers';

import { KeptProcess } from '../process/kept-process.js';
import { until } from '../process/until.js';
import type { Server } from '../server.js';

export interface ContainerPlan {
  readonly name: string;
  readonly image: TestContainer;
  /** True once it serves. */
  readonly answers: () => Promise<true | undefined>;
  readonly readyWithinMs: number;
  readonly logFile: string;
}

/** A server in a container. Testcontainers creates it; afterwards it is the same container that stops and starts again. */
export class ContainerServer implements Server {
  #container: StartedTestContainer | undefined;
  #pid: number | undefined;
  #starting: Promise<void> | undefined;

  constructor(private readonly plan: ContainerPlan) {}

  get name(): string {
    return this.plan.name;
  }

  /** As the engine's machine counts. */
  get pid(): number | undefined {
    return this.#pid;
  }

  start(): Promise<void> {
    if (this.#pid !== undefined && this.#starting === undefined) return Promise.resolve();
    this.#starting ??= this.#start().finally(() => (this.#starting = undefined));
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { name, image, answers, readyWithinMs } = this.plan;
    if (this.#container === undefined) this.#container = await image.start();
    else await (await this.#handle())?.start();
    await this.#guard(this.#container.getId());
    this.#pid = (await (await this.#handle())?.inspect())?.State.Pid;
    await until(answers, { what: `the start of ${name} in a container`, withinMs: readyWithinMs });
  }

  /** Writes its output to the log, and stops it when this process dies. */
  async #guard(id: string): Promise<void> {
    const { name, logFile } = this.plan;
    await KeptProcess.start({
      name: `${name}'s log`,
      command: 'docker',
      args: ['logs', '--follow', '--since', '0s', id],
      env: process.env, // where the engine is
      output: { file: logFile },
      farewell: ['docker', 'stop', '--time', '2', id],
    });
  }

  async stop(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    if (this.#pid === undefined) return;
    await this.#unpause();
    await (await this.#handle())?.stop({ t: 10 }).catch(ignoreIf(304));
    this.#pid = undefined;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#starting?.catch(() => undefined);
    if (this.#pid === undefined) return;
    const handle = await this.#handle();
    await handle?.kill({ signal }).catch(ignoreIf(409));
    await handle?.wait();
    this.#pid = undefined;
  }

  async freeze(): Promise<void> {
    await (await this.#handle())?.pause().catch(ignoreIf(409));
  }

  async thaw(): Promise<void> {
    await this.#unpause();
  }

  async #unpause(): Promise<void> {
    const handle = await this.#handle();
    if ((await handle?.inspect())?.State.Paused) await handle?.unpause();
  }

  /** With what it wrote to volumes that have no name. */
  async remove(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    await (await this.#handle())?.remove({ force: true, v: true }).catch(ignoreIf(404));
    this.#container = undefined;
    this.#pid = undefined;
  }

  async #handle() {
    if (this.#container === undefined) return undefined;
    return (await getContainerRuntimeClient()).container.getById(this.#container.getId());
  }
}

/** The engine says it is in that state already (304, 409), or gone (404). */
const ignoreIf =
  (status: number) =>
  (error: Error & { readonly statusCode?: number }): void => {
    if (error.statusCode !== status) throw error;
  };
