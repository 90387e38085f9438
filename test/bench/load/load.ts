import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import type { Arrivals } from './arrivals.js';
import type { Reply, Request, RunResult, Scene } from './messages.js';

/** A bench's handle on its load process, which ends with the bench. */
export class Load {
  readonly #child: ChildProcess = fork(fileURLToPath(new URL('./load-process.js', import.meta.url)), {
    execArgv: [],
    env: { PATH: process.env['PATH'], NODE_ENV: 'production' },
  });

  /** Opens the challenges and joins the clients; resolves when all of them are live. */
  async open(scene: Scene): Promise<void> {
    await this.#ask({ act: 'open', scene });
  }

  async run(arrivals: Arrivals, arriveWithinMs = 15_000): Promise<RunResult> {
    const reply = await this.#ask({ act: 'run', arrivals, arriveWithinMs });
    if (reply.is !== 'ran') throw new Error(`the load process answered '${reply.is}' to a run`);
    return reply;
  }

  close(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #ask(request: Request): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`the load process ended with ${code}`));
      this.#child.once('exit', ended);
      this.#child.once('message', (reply: Reply) => {
        this.#child.off('exit', ended);
        if (reply.is === 'failed') reject(new Error(`the load process failed: ${reply.why}`));
        else resolve(reply);
      });
      this.#child.send(request);
    });
  }
}
