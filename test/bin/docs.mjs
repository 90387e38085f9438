/**
 * Keeps papers true: `node test/bin/docs.mjs paths | check | write`.
 *   paths  every link and every path in backticks leads to something
 *   check  the README's table of settings is what the services declare, and docs/openapi.json what the trade service serves
 *          (after `tsc -b`)
 *   write  writes both
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

/** [program, its rows]: what each program's settings module declares; `trade/migrate` is a second program of trade. */
async function programs() {
  const { describeConfig } = await importBuilt('libs/platform/dist/index.js');
  const found = [];
  for (const service of readdirSync('services').sort()) {
    const built = `services/${service}/dist/settings.js`;
    if (!existsSync(built)) continue;
    for (const [name, declared] of Object.entries(await importBuilt(built)).filter(([, value]) =>
      isDeclaration(value),
    )) {
      const program = name.replace(/Settings$|^settings$/, '');
      found.push([program === '' || program === service ? service : `${service}/${program}`, describeConfig(declared)]);
    }
  }
  return found;
}

const table = (head, rows) =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |`).join('\n');

/** What several programs declare alike comes once, then what each has of its own. */
async function configTable() {
  const all = await programs();
  const byRow = new Map();
  for (const [program, rows] of all)
    for (const row of rows) byRow.set(JSON.stringify(row), [...(byRow.get(JSON.stringify(row)) ?? []), program]);
  const shared = [...byRow].filter(([, readers]) => readers.length > 1);
  const parts = [
    `Of several programs:\n\n${table(
      ['name', 'kind', 'default', 'meaning', 'read by'],
      shared.map(([row, readers]) => [...JSON.parse(row), readers.join(', ')]),
    )}`,
  ];
  for (const [program, rows] of all) {
    const own = rows.filter((row) => byRow.get(JSON.stringify(row)).length === 1);
    if (own.length > 0) parts.push(`Of ${program}:\n\n${table(['name', 'kind', 'default', 'meaning'], own)}`);
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

const OPENAPI = 'docs/openapi.json';
/** The trade API's description, as Prettier leaves it. */
async function openApi() {
  const { apiDescription } = await importBuilt('services/trade/dist/describe.js');
  const { format, resolveConfig } = await import('prettier');
  return format(JSON.stringify(await apiDescription()), { ...(await resolveConfig(OPENAPI)), parser: 'json' });
}

const written = (file) => (existsSync(file) ? readFileSync(file, 'utf8') : '');

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
    const stale = [
      ...(wanted === readme ? [] : ["README.md: the table of settings is not the code's: npm run docs"]),
      ...((await openApi()) === written(OPENAPI) ? [] : [`${OPENAPI}: not what the routes say: npm run docs`]),
    ];
    return { ok: stale.length === 0, say: stale.join('\n') };
  },
  async write() {
    const wanted = await withTable(readFileSync('README.md', 'utf8'));
    if (wanted === undefined) return { ok: false, say: `README.md lacks ${BEGIN} and ${END}` };
    writeFileSync('README.md', wanted);
    writeFileSync(OPENAPI, await openApi());
    return { ok: true, say: '' };
  },
};

const verb = verbs[process.argv[2]];
const { ok, say } = verb === undefined ? { ok: false, say: 'docs.mjs paths | check | write' } : await verb();
if (!ok) console.log(say);
process.exitCode = ok ? 0 : 1;
