import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** This module runs as a source under Jest and as built code in the benches, one folder deeper. */
function rootAbove(folder: string): string {
  return existsSync(join(folder, 'nest-cli.json')) ? folder : rootAbove(dirname(folder));
}
const root = rootAbove(import.meta.dirname);

/** A path inside the repository. */
export const inRepository = (...path: readonly string[]): string => join(root, ...path);
