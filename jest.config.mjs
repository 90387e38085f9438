/**
 * Tests run on the TypeScript sources, each file stripped of its types by swc; `tsc -b` is what checks the types.
 *
 *   npm run jest -- --selectProjects unit [path]
 *   npm run jest -- --selectProjects integration e2e browser [path]     (after `npm run build`: they spawn what was built)
 *
 * Global set-up and tear-down run what was built of test/support/global-setup.ts and global-teardown.ts, because Jest loads
 * those two outside its module system, where a relative `./x.js` would not find its `x.ts`.
 */
const swc = (parser) => [
  '@swc/jest',
  {
    jsc: {
      target: 'es2022',
      parser: { syntax: 'typescript', decorators: true, ...parser },
      transform: { legacyDecorator: true, decoratorMetadata: true, react: { runtime: 'automatic' } },
    },
  },
];

const shared = {
  rootDir: import.meta.dirname,
  testEnvironment: '<rootDir>/test/bin/jest-environment.mjs',
  roots: ['<rootDir>/libs', '<rootDir>/services', '<rootDir>/infra/local', '<rootDir>/test'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  // Our sources only: what lies under node_modules is run as it was published.
  transform: { '^.+\\.ts$': swc({}), '^.+\\.tsx$': swc({ tsx: true }) },
  extensionsToTreatAsEsm: ['.ts', '.tsx'],
  moduleNameMapper: {
    '^jwks-rsa$': '<rootDir>/test/bin/jest-jwks-rsa.mjs',
    '^@tradesense/local$': '<rootDir>/infra/local/src/index.ts',
    '^@tradesense/(contracts|platform|auth|outbox|kafka|client|react)$': '<rootDir>/libs/$1/src/index.ts',
    '^@tradesense/(kafka|client)/testing$': '<rootDir>/libs/$1/src/testing/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  cacheDirectory: '<rootDir>/.cache/jest',
};

/** A project whose tests need PostgreSQL and Kafka, which its set-up starts once for all its files. */
const onStack = (name) => ({
  ...shared,
  displayName: name,
  testMatch: [`<rootDir>/test/${name}/**/*.test.ts`, `<rootDir>/test/${name}/**/*.test.tsx`],
  globalSetup: '<rootDir>/test/bin/jest-set-up.mjs',
  globalTeardown: '<rootDir>/test/bin/jest-tear-down.mjs',
  setupFilesAfterEnv: ['<rootDir>/test/bin/jest-patience.mjs'],
});

export default {
  // Two cores are what we promise to be quick on; more workers would only take the stack's share of them.
  maxWorkers: 2,
  testSequencer: '<rootDir>/test/bin/jest-sequencer.mjs',
  projects: [
    {
      ...shared,
      displayName: 'unit',
      testMatch: ['<rootDir>/test/unit/**/*.test.ts', '<rootDir>/test/unit/**/*.test.tsx'],
    },
    onStack('integration'),
    onStack('e2e'),
    onStack('browser'),
  ],
};
