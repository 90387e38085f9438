import type { Server } from './server.js';

/** Several servers as one. They start together, and the first ones stop last: the others need them to end in order. */
export class ServerGroup implements Server {
  constructor(
    readonly name: string,
    private readonly members: readonly Server[],
  ) {}

  /** The first one's that runs. */
  get pid(): number | undefined {
    return this.members.find(({ pid }) => pid !== undefined)?.pid;
  }

  async start(): Promise<void> {
    await this.#all((member) => member.start());
  }

  async stop(): Promise<void> {
    const [first, ...others] = this.members;
    await Promise.all(others.map((member) => member.stop()));
    await first?.stop();
  }

  async kill(signal?: NodeJS.Signals): Promise<void> {
    await this.#all((member) => member.kill(signal));
  }

  async freeze(): Promise<void> {
    await this.#all((member) => member.freeze());
  }

  async thaw(): Promise<void> {
    await this.#all((member) => member.thaw());
  }

  async #all(act: (member: Server) => Promise<void>): Promise<void> {
    await Promise.all(this.members.map(act));
  }
}
