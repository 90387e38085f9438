/** What no log may show: who reads logs is not who may act with a token (pitfall T6). */
export const SECRET_NAMES = ['authorization', 'cookie', 'set-cookie', 'token', 'auth', 'password', 'secret', 'query'];
export const CENSORED = '[redacted]';
const named = new RegExp(`^(.*_)?(${SECRET_NAMES.join('|')})$`, 'i');
/** Deeper than anything we log; below it fields are left out, so that a cycle ends. */
const DEEPEST = 8;

type Fields = Record<string, unknown>;

const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

function censored(value: unknown, depth: number): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (!Array.isArray(value) && !isPlain(value)) return value; // errors and such have serialisers
  if (depth === DEEPEST) return '[deep]';
  if (Array.isArray(value)) return value.map((item) => censored(item, depth + 1));
  return censoredFields(value as Fields, depth + 1);
}

const censoredFields = (fields: Fields, depth: number): Fields =>
  Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, named.test(name) ? CENSORED : censored(value, depth)]),
  );

/** A copy in which fields named like a secret show none, at any depth. */
export const withoutSecretFields = (fields: Fields): Fields => censoredFields(fields, 0);

/** Tokens, and passwords inside URLs, wherever they stand in a finished line. */
export const withoutSecretTexts = (line: string): string =>
  line.replace(/eyJ[\w-]+\.[\w-]+\.[\w-]*/g, '[token]').replace(/(\w+:\/\/[^:/@\s"]*):[^@\s"]+@/g, '$1:[password]@');
