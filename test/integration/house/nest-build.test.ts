import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { inRepository } from '../../support/repository.js';

const run = promisify(execFile);

/** A copy of one service beside the built libraries: what is running from the real one keeps its files. */
describe('who expects a Nest workspace', () => {
  let copy: string;
  beforeAll(() => {
    copy = mkdtempSync(join(tmpdir(), 'tradesense-nest-'));
    for (const file of ['nest-cli.json', 'package.json', 'tsconfig.json', 'tsconfig.base.json'])
      cpSync(inRepository(file), join(copy, file));
    for (const folder of ['node_modules', 'libs']) symlinkSync(inRepository(folder), join(copy, folder));
    for (const file of ['src', 'package.json', 'tsconfig.json'])
      cpSync(inRepository('services/trade', file), join(copy, 'services/trade', file), { recursive: true });
  });
  afterAll(() => rmSync(copy, { recursive: true, force: true }));

  it('builds a service with `npx nest build trade`', async () => {
    await run('npx', ['nest', 'build', 'trade'], { cwd: copy, timeout: 110_000 });
    expect(existsSync(join(copy, 'services/trade/dist/main.js'))).toBe(true);
    expect(existsSync(join(copy, 'services/trade/dist/trade.module.js'))).toBe(true);
  }, 120_000);
});
