import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const GUARDS = ['.dependency-cruiser.mjs', 'oxlint.config.mjs', 'tsconfig.json', 'tsconfig.base.json', 'package.json'];
const STUB = 'export interface Shape {\n  readonly text: string;\n}\nexport const value = 1;\n';

/** What a guard said: which file breaks which rule. */
export interface Fault {
  readonly file: string;
  readonly rule: string;
}

/** A copy of the house with every folder nearly empty, in which a guard can be seen to bark. */
export class HouseTree {
  readonly root = mkdtempSync(join(tmpdir(), 'tradesense-house-'));

  constructor(folders: readonly string[]) {
    for (const file of GUARDS) cpSync(join(ROOT, file), join(this.root, file));
    cpSync(join(ROOT, 'test/bin'), join(this.root, 'test/bin'), { recursive: true });
    for (const parent of ['libs', 'services', 'infra'])
      for (const workspace of readdirSync(join(ROOT, parent))) {
        const folder = join(parent, workspace);
        if (!existsSync(join(ROOT, folder, 'package.json'))) continue;
        cpSync(join(ROOT, folder, 'package.json'), join(this.root, folder, 'package.json'));
        this.write(join(folder, 'tsconfig.json'), '{ "extends": "../../tsconfig.base.json", "include": ["src"] }');
      }
    symlinkSync(join(ROOT, 'node_modules'), join(this.root, 'node_modules'));
    for (const folder of folders) this.write(`${folder}/index.ts`, STUB);
  }

  write(file: string, text: string): void {
    mkdirSync(dirname(join(this.root, file)), { recursive: true });
    writeFileSync(join(this.root, file), text);
  }

  boundaries(): readonly Fault[] {
    const said = this.#run('node', ['test/bin/boundaries.mjs']);
    const faults = said.matchAll(/^(\S+)(?: -> \S+)?\n {4}(\S+): /gm);
    return [...faults].map(([, file = '', rule = '']) => ({ file, rule }));
  }

  lint(): readonly Fault[] {
    const said = this.#run('node_modules/.bin/oxlint', ['-c', 'oxlint.config.mjs', '--type-aware', '--format=unix']);
    const faults = said.matchAll(/^([^:\s]+):\d+:\d+: .*\[\w+\/([\w-]+\([\w-]+\))\]$/gm);
    return [...faults].map(([, file = '', rule = '']) => ({ file, rule }));
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }

  #run(command: string, args: readonly string[]): string {
    const { stdout, stderr, error } = spawnSync(command, args, { cwd: this.root, encoding: 'utf8', timeout: 60_000 });
    if (error !== undefined) throw error;
    return `${stdout}${stderr}`;
  }
}
