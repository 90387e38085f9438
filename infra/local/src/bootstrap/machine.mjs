/**
 * What this machine must have before anything of ours can run, found or installed. Uses Node.js alone: it comes before
 * `npm ci`. What is missing and can't be installed is named in one sentence, with the command that installs it.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** The ranges of `engines`: the first of each line that has what we use. */
/** @type {Readonly<Record<number, number>>} */
const LEAST = { 20: 19, 22: 13, 24: 11 };

export function nodeFault(version = process.versions.node, script = 'test') {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const least = LEAST[major];
  if (least !== undefined && minor >= least) return undefined;
  const wanted = Object.entries(LEAST).map(([line, first]) => `${line}.${first}`);
  return `Node.js ${version} is not one of ${wanted.join(', ')} or later in these lines: npx -y node@24 $(which npm) ${script}`;
}

/** @param {string} file */
const isRunnable = (file) => {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
};

/** @param {string} name */
export const onPath = (name) =>
  (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find(isRunnable);

export function javaMajor() {
  const { stderr } = spawnSync('java', ['-version'], { encoding: 'utf8' }); // null where there is no java
  return Number(/version "(\d+)/.exec(stderr ?? '')?.[1] ?? 0);
}

export const dockerAnswers = () => spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 }).status === 0;

/** CHROME_PATH rules; otherwise the first that is installed. */
export function chromium() {
  const named = process.env.CHROME_PATH;
  if (named !== undefined && named !== '') return isRunnable(named) ? named : undefined;
  return ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'chrome'].map(onPath).find(Boolean);
}

const NEEDS = [
  {
    what: 'Java 17 or later, and Maven, which fetches Kafka (or a Docker engine)',
    packages: ['openjdk-17-jre-headless', 'maven'],
    isThere: () => (javaMajor() >= 17 && onPath('mvn') !== undefined) || dockerAnswers(),
  },
  { what: 'Chromium (or CHROME_PATH set to one)', packages: ['chromium'], isThere: () => chromium() !== undefined },
];

/** @param {string[]} args */
const aptGet = (...args) =>
  execFileSync('apt-get', args, {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });

/** Installs Debian's packages where we may; answers with a sentence for each need that is still open. */
export function provide() {
  const missing = NEEDS.filter(({ isThere }) => !isThere());
  const packages = missing.flatMap((need) => need.packages);
  if (packages.length > 0 && process.getuid?.() === 0 && onPath('apt-get') !== undefined) {
    console.log(`installing ${packages.join(', ')}`);
    try {
      aptGet('update');
      aptGet('install', '--yes', '--no-install-recommends', ...packages);
    } catch (error) {
      console.log(`apt-get failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return missing
    .filter(({ isThere }) => !isThere())
    .map(
      ({ what, packages: names }) => `Missing: ${what}. On Debian or Ubuntu: sudo apt-get install ${names.join(' ')}`,
    );
}

/**
 * What the chosen engine lacks, in one sentence with the command that installs it.
 * @param {string} engine
 */
export function engineFault(engine) {
  if (engine === 'docker')
    return dockerAnswers() ? undefined : 'STACK=docker, but no Docker engine answers: start it, or unset STACK';
  if (javaMajor() >= 17 && onPath('mvn') !== undefined) return undefined;
  return 'Missing: Java 17 or later with Maven, or a Docker engine. On Debian or Ubuntu: sudo apt-get install openjdk-17-jre-headless maven';
}

/** Whether node_modules is absent, or older than the lock file it should mirror. */
export function mustInstall(repository = '.') {
  const mirror = join(repository, 'node_modules/.package-lock.json');
  return !existsSync(mirror) || statSync(mirror).mtimeMs < statSync(join(repository, 'package-lock.json')).mtimeMs;
}
