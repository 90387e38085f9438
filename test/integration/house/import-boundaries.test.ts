import { HouseTree, type Fault } from '../../support/house-tree.js';

interface House {
  readonly LIBS: Readonly<Record<string, readonly string[]>>;
  readonly SERVICES: Readonly<Record<string, { readonly folders: Readonly<Record<string, readonly string[]>> }>>;
}
const house = (await import('../../bin/house.mjs' as string)) as House;

const libraries = Object.keys(house.LIBS).map((lib) => `libs/${lib}/src`);
const folders = Object.entries(house.SERVICES).flatMap(([service, parts]) =>
  Object.keys(parts.folders).map((folder) => `services/${service}/src/${folder}`),
);

/** [file, what it holds, the gate's rule, seen by lint as well] */
type Case = readonly [file: string, text: string, rule: string, lint: boolean];

const value = (from: string): string => `import { value } from '${from}';\nexport const seen = value;\n`;
const types = (from: string): string => `import type { Shape } from '${from}';\nexport type Seen = Shape;\n`;
const bare = (from: string): string => `import '${from}';\n`;

const forbidden: readonly Case[] = [
  // Downwards only: contracts <- platform <- auth, outbox, kafka; contracts <- client <- react.
  ['libs/contracts/src/f1.ts', types('@tradesense/platform'), 'libs/contracts', true],
  ['libs/platform/src/f2.ts', value('@tradesense/kafka'), 'libs/platform', true],
  ['libs/auth/src/f3.ts', value('@tradesense/outbox'), 'libs/auth', true],
  ['libs/outbox/src/f4.ts', value('@tradesense/kafka'), 'libs/outbox', true],
  ['libs/kafka/src/f5.ts', value('@tradesense/outbox'), 'libs/kafka', true],
  ['libs/client/src/f6.ts', value('@tradesense/platform'), 'libs/client', true],
  ['libs/client/src/f7.ts', value('@tradesense/react'), 'libs/client', true],
  ['libs/react/src/f8.ts', value('@tradesense/platform'), 'libs/react', true],
  ['libs/platform/src/f9.ts', value('../../kafka/src/index.js'), 'libs/platform', false],
  // A service knows no other service, and only the libraries that its job needs.
  ['services/relay/src/f10.ts', value('../../trade/src/store/index.js'), 'services/relay', false],
  ['services/trade/src/f11.ts', value('@tradesense/kafka'), 'services/trade', true],
  ['services/gateway/src/f12.ts', value('@tradesense/outbox'), 'services/gateway', true],
  ['services/dashboard/src/f13.ts', value('@tradesense/auth'), 'services/dashboard', true],
  ['infra/local/src/f14.ts', value('../../../services/trade/src/store/index.js'), 'infra/local', false],
  ['libs/platform/src/f15.ts', value('../../../test/support/index.js'), 'libs/platform', false],
  // Stages of a service know their source, never their follower.
  ['services/trade/src/domain/f20.ts', types('@tradesense/platform'), 'trade/domain', true],
  ['services/trade/src/domain/f21.ts', value('../store/index.js'), 'trade/domain', true],
  ['services/trade/src/domain/rules/f22.ts', value('../../store/index.js'), 'trade/domain', true],
  ['services/trade/src/store/f23.ts', value('../domain/index.js'), 'trade/store:types', true],
  ['services/trade/src/store/f19.ts', types('../commit/index.js'), 'trade/store', true],
  ['services/trade/src/store/f24.ts', value('../commit/index.js'), 'trade/store', true],
  ['services/trade/src/http/f25.ts', value('../store/index.js'), 'trade/http', true],
  ['services/trade/src/commit/f26.ts', value('@tradesense/auth'), 'trade/commit', true],
  ['services/relay/src/reading/f27.ts', value('../publishing/index.js'), 'relay/reading', true],
  ['services/relay/src/watermarks/f28.ts', value('../housekeeping/index.js'), 'relay/watermarks', true],
  ['services/relay/src/lease/f29.ts', value('@tradesense/kafka'), 'relay/lease', true],
  ['services/gateway/src/frame/f30.ts', value('../intake/index.js'), 'gateway/frame', true],
  ['services/gateway/src/rooms/f31.ts', value('../delivery/index.js'), 'gateway/rooms', true],
  ['services/gateway/src/rooms/f32.ts', value('../intake/index.js'), 'gateway/rooms:types', true],
  ['services/gateway/src/delivery/f33.ts', value('../transport/index.js'), 'gateway/delivery', true],
  ['services/dashboard/src/pages/f34.ts', value('../server/index.js'), 'dashboard/pages', false],
  ['services/dashboard/src/panels/f35.ts', value('@tradesense/platform'), 'dashboard/panels', true],
  ['services/trade/src/domain/f36.ts', value('../signals.js'), 'trade/domain', true],
  ['services/gateway/src/rooms/f37.ts', value('../../../relay/src/signals.js'), 'services/gateway', true],
  // By the door.
  ['services/trade/src/http/f40.ts', value('../views/f42.js'), 'by-the-door', true],
  ['services/trade/src/http/f43.ts', types('../views/f42.js'), 'by-the-door', false],
  ['services/trade/src/f41.ts', value('./store/f24.js'), 'by-the-door:wiring', true],
  // Each package in its place.
  ['libs/kafka/src/f50.ts', bare('kafkajs'), 'owner:kafkajs', true],
  ['services/relay/src/publishing/f51.ts', bare('kafkajs'), 'owner:kafkajs', true],
  ['services/gateway/src/rooms/f52.ts', bare('socket.io'), 'owner:socket.io', true],
  ['services/gateway/src/f53.ts', bare('engine.io'), 'owner:engine.io', true],
  ['libs/client/src/f54.ts', bare('socket.io-client'), 'owner:socket.io-client', true],
  ['services/trade/src/domain/f55.ts', bare('typeorm'), 'owner:typeorm', true],
  ['services/trade/src/domain/f64.ts', bare('temporal-polyfill'), 'owner:temporal-polyfill', true],
  ['services/trade/src/commit/f56.ts', bare('@nestjs/common'), 'owner:@nestjs/common', true],
  ['services/gateway/src/access/f57.ts', bare('passport-jwt'), 'owner:passport-jwt', true],
  ['services/relay/src/lease/f58.ts', bare('pino'), 'owner:pino', true],
  ['services/trade/src/commit/f59.ts', `export const load = () => import('kafkajs');\n`, 'owner:kafkajs', true],
  // Nothing of Node.js in browsers and in the core.
  ['libs/contracts/src/f60.ts', bare('node:crypto'), 'no-node', true],
  ['services/trade/src/domain/f61.ts', bare('node:fs'), 'no-node', true],
  ['services/dashboard/src/panels/f62.ts', bare('node:fs'), 'no-node', true],
  // The rest.
  ['services/relay/src/publishing/f70.ts', value('@tradesense/kafka/testing'), 'testing-only-in-tests', true],
  ['libs/auth/src/f71.ts', value('./f72.js'), 'no-cycle', true],
  ['libs/auth/src/f73.ts', bare('fastify'), 'undeclared', false],
  ['libs/auth/src/f74.ts', value('./nowhere.js'), 'unresolved', false],
  ['libs/auth/src/f75.ts', value('../dist/index.js'), 'not-the-built', false],
];

const allowed: readonly (readonly [file: string, text: string])[] = [
  ['libs/platform/src/a1.ts', value('@tradesense/contracts')],
  ['libs/kafka/src/kafkajs/a2.ts', bare('kafkajs')],
  ['libs/client/src/transport/a3.ts', bare('socket.io-client')],
  ['services/gateway/src/transport/a4.ts', bare('socket.io')],
  ['services/trade/src/domain/a5.ts', value('@tradesense/contracts')],
  ['services/trade/src/domain/rules/a6.ts', value('../a5.js').replace('{ value }', '{ seen as value }')],
  ['services/trade/src/http/a7.ts', types('../domain/index.js')],
  ['services/trade/src/commit/a8.ts', value('../domain/index.js')],
  ['services/relay/src/a9.ts', value('./reading/index.js')],
  ['services/dashboard/src/pages/a10.ts', value('../panels/index.js')],
  ['services/relay/src/lease/a14.ts', value('../signals.js')],
  ['services/trade/src/domain/day/a15.ts', bare('temporal-polyfill')],
  ['libs/platform/src/a11.ts', bare('node:fs')],
  ['test/unit/relay/a12.test.ts', value('@tradesense/kafka/testing')],
  ['test/unit/relay/a13.test.ts', value('../../../services/relay/src/reading/index.js')],
];

describe('the import boundaries', () => {
  const tree = new HouseTree([...libraries, ...folders, 'libs/kafka/src/testing', 'infra/local/src', 'test/support']);
  let gate: readonly Fault[];
  let lint: readonly Fault[];

  beforeAll(() => {
    for (const [file, text] of [...forbidden, ...allowed]) tree.write(file, text);
    tree.write('services/trade/src/views/f42.ts', 'export interface Shape {}\nexport const value = 1;\n');
    tree.write('libs/auth/src/f72.ts', value('./f71.js')); // the other half of a cycle
    for (const service of ['trade', 'relay'])
      tree.write(`services/${service}/src/signals.ts`, 'export const value = 1;\n');
    tree.write('libs/auth/dist/index.js', 'export const value = 1;\n');
    tree.write('services/relay/src/lease/index.js', 'export const value = 1;\n');
    tree.write('services/trade/src/somewhere/index.ts', 'export const value = 1;\n');
    gate = tree.boundaries();
    lint = tree.lint();
  }, 60_000);
  afterAll(() => tree.remove());

  it.each(forbidden)('keep %s from what it imports', (file, _text, rule, seenByLint) => {
    expect(gate).toContainEqual({ file, rule });
    const named = rule === 'no-cycle' ? 'import(no-cycle)' : 'eslint(no-restricted-imports)';
    expect(lint.some((fault) => fault.file === file && fault.rule === named)).toBe(seenByLint);
  });

  it.each(allowed)('let %s import it', (file) => {
    expect([...gate, ...lint].filter((fault) => fault.file === file)).toEqual([]);
  });

  it('find what a compiler left beside a source', () => {
    expect(gate).toContainEqual({ file: 'services/relay/src/lease/index.js', rule: 'stray' });
  });

  it('ask of a new folder what it may import', () => {
    expect(gate).toContainEqual({ file: 'services/trade/src/somewhere', rule: 'unknown-folder' });
  });
});
