import type { Logger } from '@tradesense/platform';

const NOTIFY = 'notify tradesense_outbox';

/** What a wake is sent on: one connection, none of which ever writes a trade (pitfall P20). */
export interface WakeLine {
  send(text: string): Promise<void>;
}

/**
 * Tells the relay that rows may be there: after the commit, one in flight; what is rung meanwhile becomes one more. A wake
 * that is lost costs the relay one poll, and a trade nothing.
 */
export class Wake {
  #is: 'quiet' | 'ringing' | 'ringing, and again' = 'quiet';

  constructor(
    private readonly line: WakeLine,
    private readonly log: Logger,
  ) {}

  ring(): void {
    if (this.#is !== 'quiet') this.#is = 'ringing, and again';
    else void this.#send();
  }

  async #send(): Promise<void> {
    do {
      this.#is = 'ringing';
      await this.line.send(NOTIFY).catch((err: unknown) => this.log.debug({ err }, 'a wake was lost'));
    } while (this.#again());
    this.#is = 'quiet';
  }

  #again(): boolean {
    return this.#is === 'ringing, and again';
  }
}
