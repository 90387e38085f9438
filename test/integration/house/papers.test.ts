import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { inRepository } from '../../support/repository.js';

describe('the check of papers', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'tradesense-papers-'));
    for (const made of ['docs', 'libs/contracts/src']) mkdirSync(join(folder, made), { recursive: true });
    writeFileSync(join(folder, 'libs/contracts/src/money.ts'), '');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  function said(files: Readonly<Record<string, string>>): string {
    for (const [file, text] of Object.entries({ 'README.md': '', 'docs/design.md': '', ...files }))
      writeFileSync(join(folder, file), text);
    const { stdout, status } = spawnSync('node', [inRepository('test/bin/docs.mjs'), 'paths'], {
      cwd: folder,
      encoding: 'utf8',
    });
    expect(status).toBe(stdout === '' ? 0 : 1);
    return stdout;
  }

  it.each([
    ['a link', 'README.md', '[x](docs/gone.md)', 'docs/gone.md'],
    ['a link with an anchor', 'README.md', '[x](docs/gone.md#there)', 'docs/gone.md'],
    ['a picture', 'README.md', '![x](docs/gone.png)', 'docs/gone.png'],
    ['a path in backticks', 'README.md', 'see `libs/contracts/src/gone.ts`', 'libs/contracts/src/gone.ts'],
    ['a folder in backticks', 'docs/design.md', 'see `services/gone`', 'services/gone'],
    ['a paper in backticks', 'docs/design.md', 'see `gone.md`', 'gone.md'],
  ])('finds %s that leads nowhere', (_what, file, text, path) => {
    expect(said({ [file]: text })).toBe(`${file}: ${path} does not exist\n`);
  });

  it.each([
    ['what is there', 'README.md', '[x](docs/design.md) `libs/contracts/src/money.ts` `libs/contracts`'],
    ['what is beside the paper', 'docs/design.md', '[x](../README.md) `design.md`'],
    ['addresses', 'README.md', '[x](https://example.org/gone.md) [y](#here) [z](mailto:a@b.c)'],
    ['samples', 'README.md', '```sh\nnode libs/gone.mjs `libs/gone.mjs`\n```\n'],
    ['kinds of files', 'README.md', '`libs/*/src` `docs/{a,b}.md` `NAME_FILE`'],
  ])('lets pass %s', (_what, file, text) => {
    expect(said({ [file]: text })).toBe('');
  });
});
