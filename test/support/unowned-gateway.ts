import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { inRepository } from './repository.js';

const PREFIX = 'unowned-gateway-';

/** What the ownership checks are in the built gateway, and what stands there without them. */
const CHECKS: readonly (readonly [file: string, check: string, without: string])[] = [
  ['rooms/rooms.js', 'room?.owner === userId', 'room !== undefined'],
  ['rooms/room.js', 'if (!isFirst)', 'if (false)'],
  ['rooms/room.js', 'return this.#owner === userId', 'return true'],
  ['transport/requests.js', 'room?.owner !== pass.userId', 'room === undefined'],
];

/**
 * A copy of the built gateway in which nobody asks whose a challenge is, to show that a test for it would see that. Made from the
 * product's own build, where no setting could ever do it.
 * @returns its entry, from the repository's root
 */
export function unownedGateway(): string {
  sweep();
  const name = `${PREFIX}${process.pid}`; // another run must not have it rebuilt underneath
  const folder = inRepository('.cache', name);
  mkdirSync(folder, { recursive: true });
  cpSync(inRepository('services', 'gateway', 'dist'), join(folder, 'dist'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  for (const [file, check, without] of CHECKS) {
    const path = join(folder, 'dist', file);
    const text = readFileSync(path, 'utf8');
    if (!text.includes(check)) throw new Error(`${file} has no "${check}" any more: say here what the check is now`);
    writeFileSync(path, text.replace(check, without));
  }
  return `.cache/${name}/dist/main.js`;
}

/** Those of runs that are over. */
function sweep(): void {
  const cache = inRepository('.cache');
  for (const name of existsSync(cache) ? readdirSync(cache) : [])
    if (name.startsWith(PREFIX) && !existsSync(`/proc/${name.slice(PREFIX.length)}`))
      rmSync(join(cache, name), { recursive: true, force: true });
}
