/**
 * Lint, as the editor shows it. Import boundaries come from the same table as the gate's (test/bin/house.mjs), but oxlint
 * matches the text of an import and resolves nothing: what gets past it, the gate sees. An override replaces a rule's whole
 * list, so each folder's list is put together by a function.
 */
import { BARE, LIBS, LOCAL, OWNERS, SERVICES, WITHOUT_NODE } from './test/bin/house.mjs';

const isIn = (folder, parent) => `${folder}/`.startsWith(`${parent}/`);

/** Of the packages that OWNERS gives to some folders only, those that `folder` is not among; `folder/*` stands for itself. */
const foreignPackages = (folder) =>
  Object.entries(OWNERS)
    .filter(([, owners]) => !owners.some((owner) => (owner.endsWith('/*') ? owner === folder : isIn(folder, owner))))
    .flatMap(([name]) => [name, `${name}/**`]);

/** What files in `folder` may not import, by name of package. Groups are written as in .gitignore: `!` takes back. */
const packageWalls = (folder, entries) => {
  const free = entries.filter((entry) => entry.startsWith('@')).map((entry) => `!@tradesense/${entry.slice(1)}`);
  return [
    {
      group: ['@tradesense/*', ...free],
      message: 'test/bin/house.mjs says which packages this folder may import.',
    },
    { group: ['@tradesense/*/**'], message: "A library's testing folder is for tests." },
    { group: foreignPackages(folder), message: 'test/bin/house.mjs says which folders may import this package.' },
    ...(WITHOUT_NODE.some((bare) => isIn(folder, bare))
      ? [{ group: ['node:*', 'node:*/**'], message: 'Runs in browsers too, or is pure: nothing of Node.js.' }]
      : []),
  ];
};

/** What files may not import of the folders beside theirs; `up` leads from the file to where those folders lie. */
const siblingWalls = (up, entries) => {
  const doors = entries
    .filter((entry) => !entry.startsWith('@'))
    .map((entry) => ({ door: `${up}${entry.replace(':types', '')}/index.js`, typesOnly: entry.endsWith(':types') }));
  const typesOnly = doors.filter((door) => door.typesOnly).map(({ door }) => door);
  return [
    {
      group: [`${up}*`, `${up}*/**`, ...doors.map(({ door }) => `!${door}`)],
      message: 'test/bin/house.mjs says which folders this one may import, each by its index.ts.',
    },
    ...(typesOnly.length === 0 ? [] : [{ group: typesOnly, allowTypeImports: true, message: 'Only its types.' }]),
  ];
};

const restrict = (files, patterns) => ({ files, rules: { 'no-restricted-imports': ['error', { patterns }] } });

const libraries = Object.entries(LIBS).map(([lib, entries]) =>
  restrict([`libs/${lib}/src/**`], packageWalls(`libs/${lib}/src`, entries)),
);
/** Folders of libraries that own a package the library as a whole may not name. */
const insideLibraries = [...new Set(Object.values(OWNERS).flat())]
  .filter((owner) => /^libs\/[^/]+\/src\//.test(owner))
  .map((owner) => restrict([`${owner}/**`], packageWalls(owner, LIBS[owner.split('/')[1]])));

const services = Object.entries(SERVICES).flatMap(([service, { may, folders }]) => {
  const src = `services/${service}/src`;
  const always = ['@contracts', '@platform'];
  const insides = { group: ['./*/**', '!./*/index.js'], message: 'A folder is entered by its index.ts.' };
  return [
    restrict(
      [`${src}/*`],
      [...packageWalls(`${src}/*`, [...always, ...may]), ...(service === 'dashboard' ? [] : [insides])],
    ),
    ...Object.entries(folders).flatMap(([folder, own]) => {
      const entries = [...(BARE[`${src}/${folder}`] ?? always), ...own];
      const packages = packageWalls(`${src}/${folder}`, entries);
      const siblings = (up) => (service === 'dashboard' ? [] : siblingWalls(up, entries));
      return [
        restrict([`${src}/${folder}/*`], [...packages, ...siblings('../')]),
        restrict([`${src}/${folder}/*/*`], [...packages, ...siblings('../../')]),
      ];
    }),
  ];
});

const local = restrict(['infra/local/src/**'], packageWalls('infra/local/src', LOCAL));

const OUTSIDE_TIME = ['Date', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'performance'];
const globals = (names, message) => names.map((name) => ({ name, message }));

export default {
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'promise', 'jest', 'react'],
  jsPlugins: ['./test/bin/lint-rules.mjs'],
  categories: { correctness: 'error' },
  ignorePatterns: ['**/dist/**', '**/node_modules/**', 'docs/**'],
  rules: {
    eqeqeq: 'error',
    'no-var': 'error',
    'prefer-const': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': ['error', { checksVoidReturn: false }],
    'typescript/only-throw-error': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'import/no-cycle': 'error',
    // Off: passport and Node's older modules take callbacks; object literals of functions have no `this` to lose; a branded
    // bigint is not seen to be one.
    'promise/no-callback-in-promise': 'off',
    'typescript/unbound-method': 'off',
    'unicorn/no-useless-spread': 'off', // a copy to walk while the original changes
    'typescript/no-unsafe-unary-minus': 'off',
    'jest/no-focused-tests': 'error',
    'jest/no-disabled-tests': 'error',
    'house/no-todo': 'error',
  },
  overrides: [
    ...libraries,
    ...insideLibraries,
    ...services,
    local,
    {
      files: ['libs/contracts/src/**', 'services/trade/src/domain/**'],
      rules: { 'house/no-floats': 'error' },
    },
    // Reads the digits of a date.
    { files: ['libs/contracts/src/instant.ts'], rules: { 'house/no-floats': 'off' } },
    {
      files: ['services/trade/src/domain/**'],
      rules: {
        'no-restricted-globals': [
          'error',
          ...globals(OUTSIDE_TIME, 'Time comes with the command: the core has no clock (design 4).'),
          ...globals(['process', 'console', 'fetch', 'crypto'], 'The core is pure.'),
        ],
      },
    },
    {
      files: ['libs/*/src/**', 'services/*/src/**'],
      rules: { 'no-console': 'error' },
    },
    {
      files: ['test/**'],
      rules: { 'house/no-fake-timers-beside-sockets': 'error' },
    },
  ],
};
