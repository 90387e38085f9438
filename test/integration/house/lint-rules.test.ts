import { HouseTree, type Fault } from '../../support/house-tree.js';

/** [what it keeps out, file, text, rule] */
type Case = readonly [what: string, file: string, text: string, rule: string];

const core = 'services/trade/src/domain';
const forbidden: readonly Case[] = [
  ['Number of a text', 'libs/contracts/src/g1.ts', `export const a = Number('4.35');\n`, 'house(no-floats)'],
  ['parseFloat', `${core}/g2.ts`, `export const a = parseFloat('4.35');\n`, 'house(no-floats)'],
  ['Number.parseFloat', `${core}/g3.ts`, `export const a = Number.parseFloat('4.35');\n`, 'house(no-floats)'],
  ['a unary plus', `${core}/g4.ts`, `export const a = (text: string) => +text;\n`, 'house(no-floats)'],
  ['toFixed', `${core}/g5.ts`, `export const a = (n: number) => n.toFixed(2);\n`, 'house(no-floats)'],
  ['a fraction', `${core}/g6.ts`, `export const a = 0.05;\n`, 'house(no-floats)'],
  ['Date', `${core}/g7.ts`, `export const now = () => new Date();\n`, 'eslint(no-restricted-globals)'],
  ['process', `${core}/g8.ts`, `export const env = process.env;\n`, 'eslint(no-restricted-globals)'],
  ['timers', `${core}/g9.ts`, `setTimeout(() => undefined, 1);\n`, 'eslint(no-restricted-globals)'],
  [
    'a promise that nobody awaits',
    'libs/platform/src/g10.ts',
    `async function act(): Promise<void> {}\nexport function start(): void {\n  act();\n}\n`,
    'typescript(no-floating-promises)',
  ],
  [
    'a forgotten case',
    'libs/platform/src/g11.ts',
    `export function of(is: 'a' | 'b'): number {\n  switch (is) {\n    case 'a':\n      return 1;\n  }\n  return 0;\n}\n`,
    'typescript(switch-exhaustiveness-check)',
  ],
  ['console in a service', 'services/relay/src/g12.ts', `console.log('x');\n`, 'eslint(no-console)'],
  ['a TODO', 'libs/platform/src/g13.ts', `// ${'TO'}DO later\nexport {};\n`, 'house(no-todo)'],
  [
    'fake timers beside a socket',
    'test/unit/x/g14.test.ts',
    `import 'socket.io-client';\njest.useFakeTimers();\n`,
    'house(no-fake-timers-beside-sockets)',
  ],
  [
    'fake timers outside unit tests',
    'test/integration/g15.test.ts',
    `jest.useFakeTimers();\n`,
    'house(no-fake-timers-beside-sockets)',
  ],
  ['a focused test', 'test/unit/x/g16.test.ts', `it.only('a', () => {});\n`, 'jest(no-focused-tests)'],
  ['a switched off test', 'test/unit/x/g17.test.ts', `it.skip('a', () => {});\n`, 'jest(no-disabled-tests)'],
];

const allowed: readonly (readonly [what: string, file: string, text: string])[] = [
  ['a count', `${core}/h1.ts`, `export const a = Number.isSafeInteger(3);\n`],
  ['Date outside the core', 'libs/platform/src/h2.ts', `export const now = () => Date.now();\n`],
  ['fake timers in a pure unit test', 'test/unit/x/h3.test.ts', `jest.useFakeTimers();\n`],
  [
    'a promise left on purpose',
    'libs/platform/src/h4.ts',
    `async function act(): Promise<void> {}\nexport function start(): void {\n  void act();\n}\n`,
  ],
];

describe('lint', () => {
  const tree = new HouseTree([]);
  let faults: readonly Fault[];

  beforeAll(() => {
    for (const [, file, text] of [...forbidden, ...allowed]) tree.write(file, text);
    faults = tree.lint();
  }, 60_000);
  afterAll(() => tree.remove());

  it.each(forbidden)('keeps out %s', (_what, file, _text, rule) => {
    expect(faults).toContainEqual({ file, rule });
  });

  it.each(allowed)('lets pass %s', (_what, file) => {
    expect(faults.filter((fault) => fault.file === file)).toEqual([]);
  });
});
