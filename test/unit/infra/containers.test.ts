import { existsSync, readFileSync, readdirSync } from 'node:fs';

import { GATEWAY_NODE_FLAGS, TRADE_NODE_OPTIONS } from '@tradesense/local';

import { inRepository } from '../../support/repository.js';

const read = (path: string): string => readFileSync(inRepository(path), 'utf8');
const matches = (text: string, pattern: RegExp): readonly string[] =>
  [...text.matchAll(pattern)].map(([, group]) => group ?? '');

const compose = read('docker-compose.yml');
const dockerfile = read('infra/images/Dockerfile');

describe('docker-compose.yml', () => {
  /** What the images of others are told. */
  const FOREIGN = /^(POSTGRES_|PGDATA|NODE_OPTIONS|KAFKA_(?!BROKERS))/;

  it('starts only what the build makes', () => {
    const entries = matches(compose, /command: \[(?:--[\w=-]+, )*([\w/.-]+\.m?js)\]/g);
    expect(entries.length).toBeGreaterThanOrEqual(8);
    for (const entry of entries) {
      const source = entry.replace(/\/dist\/(.*)\.js$/, '/src/$1.ts');
      expect({ entry, isThere: existsSync(inRepository(source)) }).toEqual({ entry, isThere: true });
    }
  });

  it('gives trade the same room for young objects as every other way to start it', () => {
    expect(matches(compose, /NODE_OPTIONS: (.+)/g)).toEqual([TRADE_NODE_OPTIONS]);
  });

  it('starts a gateway with the same room for its rings as every other way to start it', () => {
    expect(matches(compose, /command: \[(.+), services\/gateway\/dist\/main\.js\]/g)).toEqual([
      GATEWAY_NODE_FLAGS.join(', '),
    ]);
  });

  it('gives only settings that some program declares', () => {
    const given = matches(compose, /^ {2,}([A-Z][A-Z_]+):/gm)
      .filter((name) => !FOREIGN.test(name))
      .map((name) => name.replace(/_FILE$/, ''));
    const declarations = [
      ...['trade', 'relay', 'gateway', 'dashboard'].map((service) => read(`services/${service}/src/settings.ts`)),
      read('libs/platform/src/config/common.ts'),
      read('infra/local/src/demo/main.ts'),
    ];
    const declared = new Set(declarations.flatMap((text) => matches(text, /^\s+([A-Z][A-Z_]+): /gm)));
    expect(given.length).toBeGreaterThanOrEqual(10);
    expect(given.filter((name) => !declared.has(name))).toEqual([]);
  });

  it('publishes ports on loopback alone, and holds no secret', () => {
    for (const published of matches(compose, /ports: \['(.*?)'\]/g)) expect(published).toMatch(/^127\.0\.0\.1:/);
    expect(matches(compose, /^\s*((?:\w*(?:PASSWORD|SECRET|DATABASE_URL)):.*)$/gm)).toEqual([]);
  });
});

describe('the image', () => {
  it('installs every workspace there is', () => {
    const workspaces = ['libs', 'services'].flatMap((folder) =>
      readdirSync(inRepository(folder)).map((name) => `${folder}/${name}`),
    );
    const manifests = [...workspaces, 'infra/local', 'test'].filter((path) =>
      existsSync(inRepository(path, 'package.json')),
    );
    expect(matches(dockerfile, /^COPY (\S+)\/package\.json /gm)).toEqual(expect.arrayContaining(manifests));
  });

  it('runs as a user without rights, by number', () => {
    expect(matches(dockerfile, /^USER (\S+)/gm)).toEqual(['1000:1000']);
  });
});
