import { execFile } from 'node:child_process';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import type { Stack } from '@tradesense/local';

/** PostgreSQL's data directory as it once was, to go back to: what an operator does who puts yesterday's disk back. */
export class DataDirectoryCopy {
  private constructor(
    private readonly stack: Stack,
    private readonly folder: string,
  ) {}

  /** PostgreSQL is stopped for it. */
  static async of(stack: Stack): Promise<DataDirectoryCopy> {
    const copy = new DataDirectoryCopy(stack, join(stack.folder, 'postgres'));
    await copy.#whileDown(() => promisify(execFile)('cp', ['--archive', copy.folder, copy.#kept]));
    return copy;
  }

  /** Puts it in the place of what there is. Once. */
  async restore(): Promise<void> {
    await this.#whileDown(async () => {
      await rm(this.folder, { recursive: true });
      await rename(this.#kept, this.folder);
    });
  }

  get #kept(): string {
    return `${this.folder}.kept`;
  }

  async #whileDown(act: () => Promise<unknown>): Promise<void> {
    const { postgres } = this.stack;
    await postgres.stop();
    await act();
    await postgres.start();
  }
}
