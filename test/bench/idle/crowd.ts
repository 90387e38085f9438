import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export interface IdleUser {
  readonly userId: string;
  readonly challengeId: string;
}
export type Ask =
  | {
      readonly act: 'open';
      readonly url: string;
      readonly users: readonly IdleUser[];
      /** So many are under way at any time. */
      readonly atOnce: number;
    }
  | { readonly act: 'leave' | 'count' };
export type Told =
  | { readonly is: 'done'; readonly tookMs: number; readonly joined?: number }
  | { readonly is: 'failed'; readonly why: string };

/** A bench's handle on the process of its idle clients, which ends with the bench. */
export class Crowd {
  readonly #child: ChildProcess = fork(fileURLToPath(new URL('./crowd-process.js', import.meta.url)), {
    execArgv: [],
    env: { PATH: process.env['PATH'], NODE_ENV: 'production' },
  });

  /** Each connects, with a token, and joins its room. @returns milliseconds from the first to the last */
  async open(url: string, users: readonly IdleUser[], atOnce: number): Promise<number> {
    return (await this.#ask({ act: 'open', url, users, atOnce })).tookMs;
  }

  /** How many are in their rooms now. */
  async joined(): Promise<number> {
    return (await this.#ask({ act: 'count' })).joined ?? 0;
  }

  async leave(): Promise<void> {
    await this.#ask({ act: 'leave' });
  }

  close(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #ask(ask: Ask): Promise<Extract<Told, { is: 'done' }>> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`the process of clients ended with ${code}`));
      this.#child.once('exit', ended);
      this.#child.once('message', (told: Told) => {
        this.#child.off('exit', ended);
        if (told.is === 'failed') reject(new Error(`the process of clients: ${told.why}`));
        else resolve(told);
      });
      this.#child.send(ask);
    });
  }
}
