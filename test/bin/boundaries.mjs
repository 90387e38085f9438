/**
 * The gate for import boundaries: `node test/bin/boundaries.mjs` from the root. Beside dependency-cruiser's own verdict it
 * asks whether every source file was cruised at all (beside a TypeScript it does not know it cruises nothing, and is content),
 * and whether the table names every folder there is.
 */
import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

import { cruise } from 'dependency-cruiser';
import extractTSConfig from 'dependency-cruiser/config-utl/extract-ts-config';

const load = async (file) => import(pathToFileURL(resolve(file)).href);

/** All files below a folder that somebody wrote, as paths from the root. */
function filesIn(folder) {
  const skipped = ['node_modules', 'dist', '.cache'];
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return skipped.includes(entry.name) ? [] : filesIn(join(folder, entry.name));
    return [join(folder, entry.name)];
  });
}

const foldersIn = (folder) =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

/** Folders that nobody has said anything about. */
function unknownFolders({ LIBS, SERVICES }) {
  const libs = foldersIn('libs').filter((lib) => !(lib in LIBS));
  const services = foldersIn('services').filter((service) => !(service in SERVICES));
  const inServices = Object.entries(SERVICES).flatMap(([service, { folders }]) =>
    foldersIn(`services/${service}/src`)
      .filter((folder) => !(folder in folders))
      .map((folder) => `services/${service}/src/${folder}`),
  );
  return [...libs.map((lib) => `libs/${lib}`), ...services.map((service) => `services/${service}`), ...inServices];
}

const { default: ruleSet } = await load('.dependency-cruiser.mjs');
const { options, ...rules } = ruleSet;
const files = ['libs', 'services', 'infra', 'test'].flatMap(filesIn);
const sources = files.filter((file) => /\.(tsx?|mjs)$/.test(file));
const strays = files.filter((file) => {
  const source = file.replace(/(\.d\.ts|\.js|\.js\.map)$/, '.ts');
  return source !== file && (files.includes(source) || files.includes(`${source}x`));
});
const { output } = await cruise(sources, { ...options, ruleSet: rules, validate: true }, undefined, {
  tsConfig: extractTSConfig(options.tsConfig.fileName),
});

const comments = new Map(ruleSet.forbidden.map(({ name, comment }) => [name, comment]));
const cruised = new Set(output.modules.map(({ source }) => source));
const missed = sources.filter((source) => !cruised.has(source));
const faults = [
  ...output.summary.violations.map(
    ({ rule, from, to }) => `${from} -> ${to}\n    ${rule.name}: ${comments.get(rule.name)}`,
  ),
  ...missed.map((source) => `${source}\n    not-cruised: dependency-cruiser did not look at it`),
  ...strays.map(
    (stray) => `${stray}\n    stray: written by a compiler beside its source, where imports would find it first`,
  ),
  ...unknownFolders(await load('test/bin/house.mjs')).map(
    (folder) => `${folder}\n    unknown-folder: test/bin/house.mjs does not say what it may import`,
  ),
];
for (const fault of faults) console.log(fault);
console.log(`${sources.length} files, ${faults.length} fault${faults.length === 1 ? '' : 's'} of import boundaries`);
process.exitCode = faults.length === 0 ? 0 : 1;
