import type { FieldError } from '@tradesense/contracts';

import { ProblemError } from './problem.js';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * A body as one JSON object and nothing else. `JSON.parse` takes the last of two equal keys and keeps NUL and half surrogate
 * pairs: on a money route the first is a trap, and the others end where PostgreSQL or Kafka can not carry them (P22, S18).
 */
export function parseStrictly(bytes: Buffer): Record<string, unknown> {
  const text = decoded(bytes);
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ProblemError('invalid-request', { errors: [{ path: '', message: 'must be a JSON object' }] });
  const twice = repeatedKey(text);
  if (twice !== undefined)
    throw new ProblemError('malformed-json', {
      detail: `The member ${JSON.stringify(twice)} stands twice in one object.`,
    });
  const errors = [...textErrors('', value)];
  if (errors.length > 0) throw new ProblemError('invalid-request', { errors });
  return value as Record<string, unknown>;
}

function decoded(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new ProblemError('malformed-json', { detail: 'The body is not UTF-8.' }, { cause });
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new ProblemError('malformed-json', {}, { cause });
  }
}

/** Strings, and the punctuation that says whether one is a key; numbers and words between them do not matter. */
const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]:,]/g;

/** In a text known to be JSON: a key that stands twice in one object. */
function repeatedKey(text: string): string | undefined {
  const open: (Set<string> | 'array')[] = [];
  let last = '';
  for (const [token] of text.matchAll(TOKEN)) {
    if (token === '{') open.push(new Set());
    else if (token === '[') open.push('array');
    else if (token === '}' || token === ']') open.pop();
    else if (token === ':') {
      const keys = open.at(-1);
      const key = JSON.parse(last) as string;
      if (keys instanceof Set && keys.has(key)) return key;
      if (keys instanceof Set) keys.add(key);
    }
    last = token;
  }
  return undefined;
}

const DEEPEST = 8;
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/; // eslint-disable-line no-control-regex
const LONE_SURROGATE = /\p{Surrogate}/u;

const pointer = (path: string, key: string): string => `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;

const isPlain = (text: string): boolean => !CONTROL.test(text) && !LONE_SURROGATE.test(text);

/** Every string that can not be carried, keys included, however deep. */
function* textErrors(path: string, value: unknown, depth = 0): Generator<FieldError> {
  if (typeof value === 'string') {
    if (!isPlain(value)) yield { path, message: 'must not contain control characters or half surrogate pairs' };
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  if (depth === DEEPEST) return yield { path, message: 'is nested too deeply' };
  for (const [key, inner] of Object.entries(value)) {
    // Its name would be lost on the way into a body class, and with it the refusal of an unknown member.
    if (!isPlain(key) || key === '__proto__') yield { path, message: 'has a member with a name that is not allowed' };
    else yield* textErrors(pointer(path, key), inner, depth + 1);
  }
}
