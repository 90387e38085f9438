import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  DEVELOPMENT_SECRET,
  describeConfig,
  flag,
  integer,
  list,
  networks,
  oneOf,
  port,
  printConfig,
  readConfig,
  secret,
  secretUrl,
  text,
  tokenSettings,
  url,
  type Environment,
} from '@tradesense/platform';

const SECRET = 'hunter2-hunter2';
const settings = {
  NAME: text({ says: 'A name.', fallback: 'nobody' }),
  MUST: text({ says: 'Must be there.' }),
  LEASE_MS: integer({ says: 'Milliseconds.', fallback: 10_000, min: 100, max: 60_000 }),
  PORT: port({ says: 'A port.', fallback: 3000 }),
  SWITCH: flag({ says: 'On or off.', fallback: false }),
  HOSTS: list({ says: 'Hosts.', fallback: ['a:1'], developmentOnly: true }),
  LEVEL: oneOf(['info', 'warn'], { says: 'A level.', fallback: 'info' }),
  PAGE: url({ says: 'A page.', fallback: 'http://localhost' }),
  KEY: secret({ says: 'A key.', fallback: 'development-key', developmentOnly: true }),
  DATABASE_URL: secretUrl({ says: 'A database.', fallback: 'postgres://u:dev@localhost/db', developmentOnly: true }),
};
const read = (env: Environment): ReturnType<typeof readConfig<typeof settings>> => readConfig(settings, env);
const faultsOf = (env: Environment): readonly string[] => {
  const reading = read(env);
  return reading.ok ? [] : reading.faults;
};
const configOf = (env: Environment) => {
  const reading = read(env);
  if (!reading.ok) throw new Error(reading.faults.join('\n'));
  return reading.config;
};

describe('a list of networks', () => {
  const ours = { OURS: networks({ says: 'Ours.', fallback: [] }) };
  it.each([
    ['203.0.113.9', ['203.0.113.9']],
    ['10.0.0.0/8, 2001:db8::/32,::1', ['10.0.0.0/8', '2001:db8::/32', '::1']],
    ['10.0.0.0/32,::/128', ['10.0.0.0/32', '::/128']],
  ])('%s', (OURS, items) => {
    expect(readConfig(ours, { OURS })).toEqual({ ok: true, config: { OURS: items } });
  });

  it.each([
    'proxy',
    '10.0.0.0/33',
    '::/129',
    '0.0.0.0/0',
    '::/0',
    '10.0.0.0/08',
    '10.0.0.0/8/8',
    '10.0.0/8',
    '010.0.0.1',
    '/8',
  ])('is not %s', (OURS) => {
    expect(readConfig(ours, { OURS })).toMatchObject({ ok: false, faults: [expect.stringContaining('networks')] });
  });
});

describe('the configuration', () => {
  it('is what was declared where the environment is silent; empty is silent', () => {
    expect(configOf({ MUST: 'x', NAME: '', LEASE_MS: '' })).toEqual({
      NAME: 'nobody',
      MUST: 'x',
      LEASE_MS: 10_000,
      PORT: 3000,
      SWITCH: false,
      HOSTS: ['a:1'],
      LEVEL: 'info',
      PAGE: 'http://localhost',
      KEY: 'development-key',
      DATABASE_URL: 'postgres://u:dev@localhost/db',
    });
  });

  it('is read by kind', () => {
    const config = configOf({
      MUST: 'x',
      LEASE_MS: '100',
      PORT: '0',
      SWITCH: 'on',
      HOSTS: ' a:1 ,,b:2',
      LEVEL: 'warn',
    });
    expect(config).toMatchObject({ LEASE_MS: 100, PORT: 0, SWITCH: true, HOSTS: ['a:1', 'b:2'], LEVEL: 'warn' });
  });

  it('names all faults at once', () => {
    expect(faultsOf({ LEASE_MS: '99', PORT: '65536', SWITCH: 'maybe', LEVEL: 'loud', PAGE: 'page' })).toEqual([
      'MUST is not set: Must be there.',
      'LEASE_MS must be a whole number from 100 to 60000',
      'PORT must be a whole number from 0 to 65535',
      'SWITCH must be on or off',
      'LEVEL must be info or warn',
      'PAGE must be a URL',
    ]);
  });

  it.each(['1.5', '1e3', '0x10', ' 5', '5 ', 'five', '--5', '9'.repeat(400)])(
    'takes no %j for a whole number',
    (value) => {
      expect(faultsOf({ MUST: 'x', LEASE_MS: value })).toHaveLength(1);
    },
  );

  it('prints no value in a fault', () => {
    const env = Object.fromEntries(Object.keys(settings).map((name) => [name, `${SECRET} \u0000`]));
    expect(faultsOf(env).length).toBeGreaterThan(4);
    expect(faultsOf(env).join()).not.toContain(SECRET);
  });
});

describe('a secret', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tradesense-config-'));
    writeFileSync(join(folder, 'key'), `${SECRET}\n`);
    writeFileSync(join(folder, 'two-lines'), `${SECRET}\r\n\n`);
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  it('may come from the file that NAME_FILE names, without its last newline', () => {
    expect(configOf({ MUST: 'x', KEY_FILE: join(folder, 'key') }).KEY).toBe(SECRET);
    expect(configOf({ MUST: 'x', KEY_FILE: join(folder, 'two-lines') }).KEY).toBe(`${SECRET}\r\n`);
  });

  it('given twice is a fault: nobody could say which one rules', () => {
    expect(faultsOf({ MUST: 'x', KEY: 'a', KEY_FILE: join(folder, 'key') })).toEqual(['KEY and KEY_FILE are both set']);
  });

  it('in a file that is not there is a fault', () => {
    expect(faultsOf({ MUST: 'x', KEY_FILE: join(folder, SECRET) })).toEqual([
      'KEY_FILE names a file that can not be read',
    ]);
  });

  it('is what may come from a file: other settings may not', () => {
    expect(configOf({ MUST: 'x', NAME_FILE: join(folder, 'key') }).NAME).toBe('nobody');
  });

  it('is masked where the configuration is printed, with where each value came from', () => {
    const env = { MUST: 'x', KEY_FILE: join(folder, 'key'), DATABASE_URL: `postgres://u:${SECRET}@h/db` };
    const printed = printConfig(settings, configOf(env), env);
    expect(printed).not.toContain(SECRET);
    expect(printed.split('\n')).toEqual(
      expect.arrayContaining([
        'NAME=nobody  # default',
        'MUST=x  # environment',
        'KEY=********  # file',
        'DATABASE_URL=********  # environment',
        'HOSTS=a:1  # default',
        'SWITCH=off  # default',
      ]),
    );
  });

  it('is not shown in the manual either', () => {
    const rows = describeConfig(settings);
    expect(rows).toContainEqual(['KEY', 'secret', 'local stack only', 'A key.']);
    expect(rows).toContainEqual(['MUST', 'text', 'must be set', 'Must be there.']);
    expect(rows).toContainEqual(['HOSTS', 'list, comma between', 'a:1 (local only)', 'Hosts.']);
    expect(JSON.stringify(rows)).not.toContain('development-key');
  });
});

describe('in production', () => {
  const production = { NODE_ENV: 'production', MUST: 'x' };

  it('defaults of the local stack count as missing', () => {
    expect(faultsOf(production)).toEqual([
      'HOSTS is not set, and its default serves the local stack only',
      'KEY is not set, and its default serves the local stack only',
      'DATABASE_URL is not set, and its default serves the local stack only',
    ]);
  });

  it('development secrets are refused, even when somebody sets them', () => {
    const given = { HOSTS: 'a:1', KEY: 'development-key', DATABASE_URL: 'postgres://u:dev@localhost/db' };
    expect(faultsOf({ ...production, ...given })).toEqual([
      'KEY is the development secret, which production refuses',
      'DATABASE_URL is the development secret, which production refuses',
    ]);
  });

  it('the development key for tokens is one of them', () => {
    const reading = readConfig(tokenSettings, { NODE_ENV: 'production', JWT_SECRET: DEVELOPMENT_SECRET });
    expect(reading).toEqual({ ok: false, faults: ['JWT_SECRET is the development secret, which production refuses'] });
  });

  it('a setting may fall back to something else', () => {
    const declared = { QUERY: flag({ says: 'x', fallback: true, inProduction: false }) };
    const fallbackIn = (NODE_ENV: string): unknown => readConfig(declared, { NODE_ENV });
    expect(fallbackIn('production')).toEqual({ ok: true, config: { QUERY: false } });
    expect(fallbackIn('development')).toEqual({ ok: true, config: { QUERY: true } });
    expect(describeConfig(declared)).toEqual([['QUERY', 'on or off', 'on (off in production)', 'x']]);
  });
});
