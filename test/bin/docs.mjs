/**
 * Keeps papers true: `node test/bin/docs.mjs paths | check | write`.
 *   paths  every link and every path in backticks leads to something
 *   check  the README's table of settings is what the services declare (after `tsc -b`)
 *   write  writes that table
 */
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const markdownIn = (folder) =>
  readdirSync(folder, { withFileTypes: true, recursive: folder !== '.' })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.md'))
    .map((entry) => join(entry.parentPath, entry.name));

const LINK = /\]\(([^)\s]+)\)/g;
/** A path from the root, alone in backticks; one with a wildcard or braces names a kind, not a file. */
const PATH = /`((?:libs|services|infra|test|docs|\.ci|\.vscode)\/[\w./@-]*|[\w.-]+\.(?:mjs|json|yml|md|yaml))`/g;

function deadEnds(file) {
  // Code blocks are shell and samples: what they name may be made by running them.
  const text = readFileSync(file, 'utf8').replace(/^```[\s\S]*?^```/gm, '');
  const links = [...text.matchAll(LINK)]
    .map(([, link]) => link.split('#', 1)[0])
    .filter((link) => link !== '' && !/^[a-z]+:/.test(link))
    .filter((link) => !existsSync(join(dirname(file), decodeURI(link))));
  const paths = [...text.matchAll(PATH)]
    .map(([, path]) => path)
    .filter((path) => !existsSync(path) && !existsSync(join(dirname(file), path)));
  return [...links, ...paths].map((path) => `${file}: ${path} does not exist`);
}

const isDeclaration = (value) =>
  typeof value === 'object' &&
  value !== null &&
  Object.values(value).length > 0 &&
  Object.values(value).every((setting) => typeof setting?.kind === 'string' && typeof setting?.says === 'string');

const importBuilt = async (file) => import(pathToFileURL(join(process.cwd(), file)).href);

async function configTable() {
  const { describeConfig } = await importBuilt('libs/platform/dist/index.js');
  const parts = [];
  for (const service of readdirSync('services').sort()) {
    if (!existsSync(`services/${service}/src/settings.ts`)) continue;
    const built = ['settings.js', 'server/settings.js']
      .map((file) => `services/${service}/dist/${file}`)
      .find(existsSync);
    const declared = Object.assign({}, ...Object.values(await importBuilt(built)).filter(isDeclaration));
    const rows = describeConfig(declared).map((row) => `| ${row.map(cell).join(' | ')} |`);
    parts.push(`**${service}**\n\n| name | kind | default | meaning |\n| --- | --- | --- | --- |\n${rows.join('\n')}`);
  }
  return parts.join('\n\n');
}

const BEGIN = '<!-- config:begin -->';
const END = '<!-- config:end -->';
/** README.md with its table written anew, or undefined when it has no place for one. */
async function withTable(readme) {
  const [from, to] = [readme.indexOf(BEGIN), readme.indexOf(END)];
  if (from < 0 || to < from) return undefined;
  const { format, resolveConfig } = await import('prettier');
  const whole = `${readme.slice(0, from + BEGIN.length)}\n\n${await configTable()}\n\n${readme.slice(to)}`;
  return format(whole, { ...(await resolveConfig('README.md')), parser: 'markdown' });
}

function cell(text) {
  return text === '' ? '–' : text.replaceAll('|', '\\|');
}

const verbs = {
  paths() {
    const faults = [...markdownIn('.'), ...markdownIn('docs')].flatMap(deadEnds);
    return { ok: faults.length === 0, say: faults.join('\n') };
  },
  async check() {
    const readme = readFileSync('README.md', 'utf8');
    const wanted = await withTable(readme);
    if (wanted === undefined) return { ok: false, say: `README.md lacks ${BEGIN} and ${END}` };
    return { ok: wanted === readme, say: "README.md: the table of settings is not the code's: npm run docs" };
  },
  async write() {
    const wanted = await withTable(readFileSync('README.md', 'utf8'));
    if (wanted === undefined) return { ok: false, say: `README.md lacks ${BEGIN} and ${END}` };
    writeFileSync('README.md', wanted);
    return { ok: true, say: '' };
  },
};

const verb = verbs[process.argv[2]];
const { ok, say } = verb === undefined ? { ok: false, say: 'docs.mjs paths | check | write' } : await verb();
if (!ok) console.log(say);
process.exitCode = ok ? 0 : 1;
