/**
 * The gate for import boundaries: looks at the file an import leads to, types included. The table is test/bin/house.mjs, the
 * runner test/bin/boundaries.mjs, and test/integration/house shows each rule barking.
 */
import { BARE, LIBS, LOCAL, OWNERS, SERVICES, WITHOUT_NODE } from './test/bin/house.mjs';

const escape = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
/** A folder with all below it; `folder/*` is only the files right in it; a file is itself. */
function inside(place) {
  if (place.endsWith('/*')) return `^${escape(place.slice(0, -1))}[^/]+$`;
  return place.endsWith('.ts') ? `^${escape(place)}$` : `^${escape(place)}/`;
}
const BUILT = '^((libs|services|infra)/[^/]+|test)/dist/';
const OURS = '^(libs|services|infra|test)/';

/** Entries of the table → the folders they stand for. */
const targets = (entries, parent) =>
  entries.map((entry) => {
    const [name, types] = entry.split(':');
    const folder = name.startsWith('@') ? `libs/${name.slice(1)}/src` : `${parent}/${name}`;
    return { folder, typesOnly: types === 'types' };
  });

/** `from` may import itself and `entries`, of some of them only types. */
function walls(name, from, own, entries, parent = '') {
  const allowed = targets(entries, parent);
  const typesOnly = allowed.filter((target) => target.typesOnly).map(({ folder }) => inside(folder));
  const signals = parent === '' || own in BARE ? [] : [`^${escape(parent)}/signals[.]ts$`];
  const comment = `${own} may import ${entries.length === 0 ? 'nothing' : entries.join(', ')} besides itself (test/bin/house.mjs)`;
  return [
    {
      name,
      severity: 'error',
      comment,
      from: { path: from },
      to: { path: OURS, pathNot: [inside(own), ...signals, ...allowed.map(({ folder }) => inside(folder))] },
    },
    ...(typesOnly.length === 0
      ? []
      : [
          {
            name: `${name}:types`,
            severity: 'error',
            comment,
            from: { path: from },
            to: { path: typesOnly, dependencyTypesNot: ['type-only'] },
          },
        ]),
  ];
}

const libs = Object.entries(LIBS).flatMap(([lib, may]) =>
  walls(`libs/${lib}`, inside(`libs/${lib}`), `libs/${lib}`, may),
);

const services = Object.entries(SERVICES).flatMap(([service, { may, folders }]) => {
  const src = `services/${service}/src`;
  const always = ['@contracts', '@platform'];
  return [
    ...walls(`services/${service}`, inside(`services/${service}`), `services/${service}`, [...always, ...may]),
    ...Object.entries(folders).flatMap(([folder, entries]) => {
      const own = `${src}/${folder}`;
      return walls(`${service}/${folder}`, inside(own), own, [...(BARE[own] ?? always), ...entries], src);
    }),
  ];
});

/** Matches a package in any node_modules, and its bare name where it could not be resolved. */
const packageNamed = (name) => `(^|node_modules/)${escape(name)}($|/)`;

const owners = Object.entries(OWNERS).map(([name, folders]) => ({
  name: `owner:${name}`,
  severity: 'error',
  comment: `only ${folders.join(', ')} may import ${name}`,
  from: { path: '^(libs|services|infra)/', pathNot: folders.map(inside) },
  to: { path: packageNamed(name) },
}));

export default {
  forbidden: [
    ...libs,
    ...services,
    ...walls('infra/local', inside('infra/local'), 'infra/local', LOCAL),
    ...owners,
    {
      name: 'by-the-door',
      severity: 'error',
      comment: 'a folder of a service is entered by its index.ts, which names what others may use',
      from: { path: '^services/([^/]+)/src/([^/]+)/', pathNot: inside('services/dashboard') },
      to: { path: '^services/$1/src/[^/]+/', pathNot: ['^services/$1/src/[^/]+/index[.]ts$', '^services/$1/src/$2/'] },
    },
    {
      name: 'by-the-door:wiring',
      severity: 'error',
      comment: 'a folder of a service is entered by its index.ts, by the wiring as well',
      from: { path: '^services/([^/]+)/src/[^/]+$', pathNot: inside('services/dashboard') },
      to: { path: '^services/$1/src/[^/]+/', pathNot: '^services/$1/src/[^/]+/index[.]ts$' },
    },
    {
      name: 'testing-only-in-tests',
      severity: 'error',
      comment: "a library's testing folder is for tests",
      from: { pathNot: ['^test/', '^libs/[^/]+/src/testing/'] },
      to: { path: '^libs/[^/]+/src/testing/' },
    },
    {
      name: 'no-node',
      severity: 'error',
      comment: 'runs in browsers too, or is pure: nothing of Node.js',
      from: { path: WITHOUT_NODE.map(inside) },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'no-cycle',
      severity: 'error',
      comment: 'two files that need each other to run are one, or lack a third',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'undeclared',
      severity: 'error',
      comment: "the package is not in this workspace's package.json",
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'not-the-built',
      severity: 'error',
      comment: 'sources import sources; what was built is for processes to run',
      from: { path: OURS, pathNot: '^(test|infra/local)/bin/' },
      to: { path: BUILT },
    },
    {
      name: 'unresolved',
      severity: 'error',
      comment: 'leads nowhere',
      from: {},
      to: { couldNotResolve: true, pathNot: '/dist/' },
    },
  ],
  options: {
    doNotFollow: { path: ['node_modules', BUILT] },
    tsPreCompilationDeps: true,
    combinedDependencies: true,
    // Its `paths` lead from our packages to their sources: the gate needs no build, and sees through a package's door.
    tsConfig: { fileName: `${import.meta.dirname}/tsconfig.json` },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
