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
  const free = entries
    .filter((entry) => entry.startsWith('@'))
    .map((entry) => `!@tradesense/${entry.slice(1).replace(':types', '')}`);
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

/**
 * What files may not import of the folders beside theirs; `up` leads from the file to where those lie. `!` takes a text back
 * from all groups, so folders that give their types only are not taken back: for types, the forbidden ones are listed instead.
 */
const siblingWalls = (up, entries, others) => {
  const named = entries.filter((entry) => !entry.startsWith('@'));
  const values = named
    .filter((entry) => !entry.endsWith(':types'))
    .map((entry) => `!${up}${entry.endsWith('.ts') ? entry.replace('.ts', '.js') : `${entry}/index.js`}`);
  const types = named.map((entry) => entry.replace(':types', ''));
  const forbidden = others.filter((folder) => !types.includes(folder)).map((folder) => `${up}${folder}/**`);
  const free = entries.includes('@platform') ? [`!${up}signals.js`] : [];
  const message =
    'test/bin/house.mjs says which folders this one may import, each by its index.ts, some only for types.';
  return [
    { group: [`${up}*`, `${up}*/**`, ...free, ...values], allowTypeImports: true, message },
    { group: [`${up}*.js`, ...free, ...forbidden], message },
  ];
};

const restrict = (files, patterns) => ({ files, rules: { 'no-restricted-imports': ['error', { patterns }] } });
const owned = [...new Set(Object.values(OWNERS).flat())];

/** A library, then those of its folders that own a package which the library as a whole may not name. */
const library = ([lib, entries]) =>
  [`libs/${lib}/src`, ...owned.filter((folder) => folder.startsWith(`libs/${lib}/src/`))].map((folder) =>
    restrict([`${folder}/**`], packageWalls(folder, entries)),
  );

/** A folder of a service, the folders in it, and of those again the ones that own a package. */
function folderOf(src, folder, entries, others) {
  const own = `${src}/${folder}`;
  const owners = owned.filter((owner) => owner.startsWith(`${own}/`) && !owner.endsWith('*'));
  // The dashboard's pages are built into one bundle: its folders have no doors.
  const siblings = (up) => (src.startsWith('services/dashboard/') ? [] : siblingWalls(up, entries, others));
  return [
    restrict([`${own}/*`], [...packageWalls(own, entries), ...siblings('../')]),
    ...[own, ...owners].map((place) =>
      restrict([place === own ? `${own}/*/*` : `${place}/*`], [...packageWalls(place, entries), ...siblings('../../')]),
    ),
  ];
}

const ALWAYS = ['@contracts', '@platform'];
function service([name, { may, folders }]) {
  const src = `services/${name}/src`;
  const doors = { group: ['./*/**', '!./*/index.js'], message: 'A folder is entered by its index.ts.' };
  const wiring = packageWalls(`${src}/*`, [...ALWAYS, ...may]);
  return [
    restrict([`${src}/*`], name === 'dashboard' ? wiring : [...wiring, doors]),
    ...Object.entries(folders).flatMap(([folder, own]) => {
      const others = Object.keys(folders).filter((other) => other !== folder);
      return folderOf(src, folder, [...(BARE[`${src}/${folder}`] ?? ALWAYS), ...own], others);
    }),
  ];
}

const OUTSIDE_TIME = ['Date', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask', 'performance'];
const globals = (names, message) => names.map((name) => ({ name, message }));

export default {
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'promise', 'jest', 'react'],
  jsPlugins: ['./test/bin/lint-rules.mjs'],
  categories: { correctness: 'error' },
  ignorePatterns: ['**/dist/**', '**/node_modules/**', 'docs/**'],
  rules: {
    eqeqeq: ['error', 'always', { null: 'ignore' }],
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
    'typescript/no-misused-spread': 'off', // code points of a text are what a limit on it counts
    'unicorn/no-useless-spread': 'off', // a copy to walk while the original changes
    'typescript/no-unsafe-unary-minus': 'off',
    'react/exhaustive-deps': 'off', // some effects are about one moment, not about each value they look at
    // Off: tests have a vocabulary of their own, in which words expect on a test's behalf.
    'jest/no-standalone-expect': 'off',
    'jest/no-conditional-expect': 'off',
    'jest/expect-expect': 'off',
    'jest/require-to-throw-message': 'off',
    'jest/no-focused-tests': 'error',
    'jest/no-disabled-tests': 'error',
    'house/no-todo': 'error',
  },
  overrides: [
    ...Object.entries(LIBS).flatMap(library),
    ...Object.entries(SERVICES).flatMap(service),
    restrict(['infra/local/src/**'], packageWalls('infra/local/src', LOCAL)),
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
