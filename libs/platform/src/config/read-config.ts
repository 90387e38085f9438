import { readFileSync } from 'node:fs';

import type { ConfigOf, Declaration, Setting } from './setting.js';

export type Environment = Readonly<Record<string, string | undefined>>;
export type ConfigReading<D extends Declaration> =
  { readonly ok: true; readonly config: ConfigOf<D> } | { readonly ok: false; readonly faults: readonly string[] };

/** What settings must be to each other: asked once each is good by itself, answered with faults. */
export type Relations<D extends Declaration> = (
  config: ConfigOf<D>,
  where: { readonly production: boolean },
) => readonly string[];

type Given =
  | { readonly is: 'absent' }
  | { readonly is: 'given'; readonly text: string }
  | { readonly is: 'fault'; readonly what: string };

/** Empty counts as absent. NAME and NAME_FILE together is a fault: nobody could say which one rules. */
function given(env: Environment, name: string, { secret }: Setting<unknown>): Given {
  const direct = env[name] ?? '';
  const file = (secret ? env[`${name}_FILE`] : undefined) ?? '';
  if (direct !== '' && file !== '') return { is: 'fault', what: `${name} and ${name}_FILE are both set` };
  if (direct !== '') return { is: 'given', text: direct };
  if (file === '') return { is: 'absent' };
  try {
    return { is: 'given', text: readFileSync(file, 'utf8').replace(/\r?\n$/, '') };
  } catch {
    return { is: 'fault', what: `${name}_FILE names a file that can not be read` };
  }
}

/**
 * Reads a whole declaration from the environment and names all faults at once. No fault carries a value: one day it is a secret.
 * In production (`NODE_ENV=production`) a development-only default counts as missing.
 */
export function readConfig<D extends Declaration>(
  declaration: D,
  env: Environment,
  relations: Relations<D> = () => [],
): ConfigReading<D> {
  const production = env['NODE_ENV'] === 'production';
  const faults: string[] = [];
  const config: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(declaration)) {
    const found = given(env, name, setting);
    if (found.is === 'fault') faults.push(found.what);
    else if (found.is === 'given') {
      const reading = setting.read(found.text);
      if (!reading.ok) faults.push(`${name} must be ${reading.wanted}`);
      else if (production && setting.developmentOnly && setting.secret && reading.value === setting.fallback)
        faults.push(`${name} is the development secret, which production refuses`);
      else config[name] = reading.value;
    } else if (production && setting.inProduction !== undefined) config[name] = setting.inProduction;
    else if (setting.fallback === undefined) faults.push(`${name} is not set: ${setting.says}`);
    else if (production && setting.developmentOnly)
      faults.push(`${name} is not set, and its default serves the local stack only`);
    else config[name] = setting.fallback;
  }
  if (faults.length === 0) faults.push(...relations(config as ConfigOf<D>, { production }));
  return faults.length === 0 ? { ok: true, config: config as ConfigOf<D> } : { ok: false, faults };
}

/** One line per setting: NAME=value, secrets masked, where it came from. */
export function printConfig<D extends Declaration>(declaration: D, config: ConfigOf<D>, env: Environment): string {
  return Object.entries(declaration)
    .map(([name, setting]) => {
      const source = (env[name] ?? '') !== '' ? 'environment' : (env[`${name}_FILE`] ?? '') !== '' ? 'file' : 'default';
      const shown = setting.secret ? '********' : setting.show(config[name as keyof D]);
      return `${name}=${shown}  # ${source}`;
    })
    .join('\n');
}

/** The declaration as rows of the manual's table. A development secret is named, not shown. */
export function describeConfig(
  declaration: Declaration,
): readonly (readonly [name: string, kind: string, fallback: string, says: string])[] {
  return Object.entries(declaration).map(([name, setting]) => {
    const { kind, fallback, secret, developmentOnly, inProduction, show, says } = setting;
    const local = fallback === undefined ? 'must be set' : secret ? 'local stack only' : show(fallback);
    const shown = inProduction === undefined ? local : `${local} (${show(inProduction)} in production)`;
    return [name, kind, developmentOnly && !secret ? `${shown} (local only)` : shown, says];
  });
}
