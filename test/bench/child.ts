import { fork, type ChildProcess } from 'node:child_process';

import { inRepository } from '../support/repository.js';

type Told = { readonly value: unknown } | { readonly fault: string };

/** A process of a bench that is asked one thing at a time, and ends with the bench. */
export class Child<Ask extends object> {
  readonly #child: ChildProcess;

  /** @param module of its program below this folder, without an ending: the built one, also for who runs from source */
  constructor(module: string) {
    this.#child = fork(inRepository('test/dist/bench', `${module}.js`), {
      execArgv: [],
      env: { PATH: process.env['PATH'], NODE_ENV: 'production' },
    });
  }

  ask<Value>(ask: Ask): Promise<Value> {
    return new Promise((resolve, reject) => {
      const ended = (code: number | null): void => reject(new Error(`a process of the bench ended with ${code}`));
      this.#child.once('exit', ended);
      this.#child.once('message', (told: Told) => {
        this.#child.off('exit', ended);
        if ('fault' in told) reject(new Error(told.fault));
        else resolve(told.value as Value);
      });
      this.#child.send(ask);
    });
  }

  close(): void {
    if (this.#child.connected) this.#child.disconnect();
  }
}

/** The child's side. */
export function serve<Ask>(perform: (ask: Ask) => Promise<unknown>): void {
  process.on('message', (ask: Ask) => {
    perform(ask)
      .then(
        (value): Told => ({ value }),
        (error: unknown): Told => ({ fault: String(error) }),
      )
      .then((told) => process.send?.(told))
      .catch(() => process.exit(1));
  });
  process.on('disconnect', () => process.exit(0));
}
