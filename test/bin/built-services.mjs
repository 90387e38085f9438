/**
 * For programs built from test/: what they import from a service's `src` is what the build made of it, in its `dist`. Under Jest,
 * which compiles as it imports, the same line means the source itself.
 */
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const SERVICE_SOURCE = /^(?:\.\.\/)+services\/([\w-]+)\/src\//;
const REPOSITORY = new URL('../../', import.meta.url);

export function resolve(specifier, context, next) {
  const [source, service] = SERVICE_SOURCE.exec(specifier) ?? [];
  if (source === undefined) return next(specifier, context);
  return next(new URL(`services/${service}/dist/${specifier.slice(source.length)}`, REPOSITORY).href, context);
}

// Node.js loads this file a second time where its loader lives.
if (isMainThread) register(import.meta.url);
