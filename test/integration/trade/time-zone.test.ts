import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { inRepository } from '../../support/repository.js';

const JEST = ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--selectProjects', 'unit'];

/** Case C2: an offset taken from the process, or remembered of a date, would move a day's start. */
describe('wherever a process thinks it is', () => {
  it('in Sydney every vector and every day comes out the same', async () => {
    await promisify(execFile)(process.execPath, [...JEST, '--testPathPatterns', 'trade/domain/(vectors|day)\\.test'], {
      cwd: inRepository(),
      env: { PATH: process.env['PATH'], TZ: 'Australia/Sydney' },
      timeout: 60_000,
    });
  });
});
