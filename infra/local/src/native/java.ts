import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { exclusively } from '../bootstrap/lock.mjs';
import { cacheFolder, makeOnce } from '../folders.js';

const run = promisify(execFile);

export const java = (env: NodeJS.ProcessEnv = process.env): string =>
  env['JAVA_HOME'] ? join(env['JAVA_HOME'], 'bin', 'java') : 'java';

/**
 * A class path of everything that a pom names, fetched by Maven once per user.
 * @param name of the folder in the cache: with the versions, so that other ones are fetched anew
 */
export async function jars(name: string, pom: string): Promise<string> {
  const folder = join(cacheFolder(), name);
  const copy = (to: string) => ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${to}`];
  const fetchTo = async (draft: string): Promise<void> =>
    void (await run('mvn', ['-q', '-B', '-f', pom, ...copy(draft)]));
  // Maven's own store does not bear two of them at once.
  if (!existsSync(folder)) await exclusively(join(cacheFolder(), 'maven.lock'), () => makeOnce(folder, fetchTo));
  return join(folder, '*');
}
