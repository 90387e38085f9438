import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';

/**
 * A setting is declared once: type, unit, default, whether it is secret, a sentence. From the declaration come parsing with
 * all faults named at once and no value printed, `--print-config`, and the README's table.
 */
export interface Setting<Value> {
  readonly kind: string;
  readonly says: string;
  readonly secret: boolean;
  /** What it is when the environment is silent; undefined: it must be set. */
  readonly fallback: Value | undefined;
  /** A fallback that production refuses: it serves the local stack only. */
  readonly developmentOnly: boolean;
  /** What production falls back to, where that differs. */
  readonly inProduction: Value | undefined;
  read(text: string): Reading<Value>;
  show(value: Value): string;
}

export type Reading<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly wanted: string };
export type Declaration = Readonly<Record<string, Setting<unknown>>>;
export type ConfigOf<D extends Declaration> = {
  readonly [Name in keyof D]: D[Name] extends Setting<infer Value> ? Value : never;
};

interface Options<Value> {
  readonly says: string;
  readonly fallback?: Value;
  readonly developmentOnly?: boolean;
  readonly inProduction?: Value;
}

const ok = <Value>(value: Value): Reading<Value> => ({ ok: true, value });
const no = (wanted: string): Reading<never> => ({ ok: false, wanted });

function setting<Value>(
  kind: string,
  { says, fallback, developmentOnly = false, inProduction }: Options<Value>,
  read: (text: string) => Reading<Value>,
  show: (value: Value) => string = String,
): Setting<Value> {
  return { kind, says, fallback, developmentOnly, inProduction, secret: false, read, show };
}

export const text = (options: Options<string>): Setting<string> => setting('text', options, ok);

/** Never printed; may also come from the file that NAME_FILE names. */
export const secret = (options: Options<string>): Setting<string> => ({
  ...setting('secret', options, ok),
  secret: true,
});

/** The password inside is never printed. */
export const secretUrl = (options: Options<string>): Setting<string> => ({
  ...setting('URL, secret', options, (value) => (URL.canParse(value) ? ok(value) : no('a URL'))),
  secret: true,
});

export const url = (options: Options<string>): Setting<string> =>
  setting('URL', options, (value) => (URL.canParse(value) ? ok(value) : no('a URL')));

interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** A whole number; its unit is in the setting's name (`…_MS`, `…_BYTES`). */
export function integer({
  min = 0,
  max = Number.MAX_SAFE_INTEGER,
  ...options
}: Options<number> & Range): Setting<number> {
  return setting('integer', options, (value) => {
    const number = /^-?\d+$/.test(value) ? Number(value) : NaN;
    return Number.isSafeInteger(number) && number >= min && number <= max
      ? ok(number)
      : no(`a whole number from ${min} to ${max}`);
  });
}

export const port = (options: Options<number>): Setting<number> => ({
  ...integer({ ...options, min: 0, max: 65_535 }),
  kind: 'port',
});

export const flag = (options: Options<boolean>): Setting<boolean> =>
  setting(
    'on or off',
    options,
    (value) => {
      if (['on', 'true', '1'].includes(value)) return ok(true);
      return ['off', 'false', '0'].includes(value) ? ok(false) : no('on or off');
    },
    (value) => (value ? 'on' : 'off'),
  );

const itemsOf = (value: string): readonly string[] =>
  value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
const shownItems = (items: readonly string[]): string => items.join(',');

export const list = (options: Options<readonly string[]>): Setting<readonly string[]> =>
  setting('list, comma between', options, (value) => ok(itemsOf(value)), shownItems);

/** Addresses and networks, `203.0.113.9` or `10.0.0.0/8`. That of everybody is none: it is a mistake wherever it stands. */
export const networks = (options: Options<readonly string[]>): Setting<readonly string[]> =>
  setting(
    'addresses or networks, comma between',
    options,
    (value) => {
      const items = itemsOf(value);
      return items.every(isNetwork) ? ok(items) : no('addresses or networks such as 10.0.0.0/8, comma between');
    },
    shownItems,
  );

function isNetwork(item: string): boolean {
  const [address = '', prefix, ...more] = item.split('/');
  const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
  const isPrefix = prefix === undefined || (/^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= bits);
  return bits > 0 && isPrefix && more.length === 0;
}

export const oneOf = <const Words extends readonly string[]>(
  words: Words,
  options: Options<Words[number]>,
): Setting<Words[number]> =>
  setting(words.join(' or '), options, (value) =>
    words.includes(value) ? ok(value as Words[number]) : no(words.join(' or ')),
  );

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** Names a file of certificates, read at start; the value is what they say, '' where none is named. */
export const certificates = (options: Options<string>): Setting<string> =>
  setting('PEM file', options, readCertificates, shownCertificates);

const shownCertificates = (pem: string): string =>
  pem === '' ? '' : `${pem.match(CERTIFICATE)?.length ?? 0} certificates`;

function readCertificates(file: string): Reading<string> {
  try {
    const found = readFileSync(file, 'utf8').match(CERTIFICATE) ?? [];
    for (const one of found) new X509Certificate(one);
    return found.length > 0 ? ok(found.join('\n')) : no('a file with PEM certificates');
  } catch {
    return no('a file with PEM certificates that can be read');
  }
}
