import { Child } from '../child.js';

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

/** A bench's idle clients, in a process of their own. */
export class Crowd {
  readonly #child = new Child<Ask>('idle/crowd-process');

  /** Each connects, with a token, and joins its room. @returns milliseconds from the first to the last */
  open(url: string, users: readonly IdleUser[], atOnce: number): Promise<number> {
    return this.#child.ask({ act: 'open', url, users, atOnce });
  }

  /** How many are in their rooms now. */
  joined(): Promise<number> {
    return this.#child.ask({ act: 'count' });
  }

  leave(): Promise<void> {
    return this.#child.ask({ act: 'leave' });
  }

  close(): void {
    this.#child.close();
  }
}
