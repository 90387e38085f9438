import type { FieldError } from '@tradesense/contracts';

import { ProblemError } from './problem.js';
import { pointer } from './rules.js';

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
  if (isPlainly(text, value)) return value as Record<string, unknown>;
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

const UNUSUAL = /[\\\u007f-\u009f]|__proto__/;

/**
 * Whether nothing below can find a fault, told a tenth as dear: without an escape a string holds only what stands in the text,
 * and a key that stands twice leaves fewer members than the text has.
 */
const isPlainly = (text: string, value: object): boolean => !UNUSUAL.test(text) && membersOf(value) === keysIn(text);

/** Members of an object and of all in it; not a number when it is nested too deeply. */
function membersOf(value: object, depth = 0): number {
  if (depth === DEEPEST) return NaN;
  const inner = Object.values(value) as unknown[];
  let members = Array.isArray(value) ? 0 : inner.length;
  for (const one of inner) if (typeof one === 'object' && one !== null) members += membersOf(one, depth + 1);
  return members;
}

const KEY_ENDS = /[ \t\r\n]*:/y;

/** In a text known to be JSON, without escapes: strings that a colon follows. */
function keysIn(text: string): number {
  let keys = 0;
  for (let from = text.indexOf('"'); from >= 0;) {
    const end = text.indexOf('"', from + 1) + 1;
    KEY_ENDS.lastIndex = end;
    if (text[end] === ':' || KEY_ENDS.test(text)) keys += 1;
    from = text.indexOf('"', end);
  }
  return keys;
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
