import { fullJitter, systemRandom, type Clock, type Logger, type Part } from '@tradesense/platform';

import { Session } from '../database/index.js';
import type { Wake } from './wake.js';

export interface WakeListenerOptions {
  readonly url: string;
  readonly wake: Wake;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Writers notify it after a commit, from a connection of their own (pitfall P20). */
export const CHANNEL = 'tradesense_outbox';
const PROBE_MS = 30_000;
const STATEMENT_MS = 5_000;
const nextDelayMs = fullJitter(systemRandom, { minMs: 100, maxMs: 5_000 });

/** LISTEN on a connection of its own, opened again for ever. It only saves time: without it, rows are found by polling. */
export class WakeListener implements Part {
  readonly name = 'wake listener';
  readonly #stop = new AbortController();
  #running: Promise<void> | undefined;

  constructor(private readonly options: WakeListenerOptions) {}

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, log } = this.options;
    for (let attempt = 0; !this.#stop.signal.aborted; attempt += 1) {
      try {
        await this.#listen(() => {
          attempt = 0;
        });
      } catch (err) {
        if (attempt === 0 && !this.#stop.signal.aborted) log.warn({ err }, 'wake connection lost: polling');
        await clock.sleep(nextDelayMs(attempt), this.#stop.signal);
      }
    }
  }

  async #listen(listening: () => void): Promise<void> {
    const { url, wake, clock } = this.options;
    const { signal } = this.#stop;
    const options = { url, name: 'tradesense-relay-wake', statementMs: STATEMENT_MS, signal };
    const session = await Session.open(options);
    try {
      await session.listen(CHANNEL, () => wake.now());
      listening();
      wake.now(); // for what was committed while nobody listened
      for (;;) {
        await clock.sleep(PROBE_MS, session.lost);
        // LISTEN dies without a sound behind a firewall that forgot the connection.
        await session.query({ text: 'select 1' });
      }
    } finally {
      await session.close();
    }
  }
}
