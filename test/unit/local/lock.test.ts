import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { exclusively, holderOf, tryLock } from '../../../infra/local/src/bootstrap/lock.mjs';
import { isAlive, ownIdentity } from '../../../infra/local/src/bootstrap/process-identity.mjs';
import { inRepository } from '../../support/repository.js';

describe('a lock file', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lock-'));
    path = join(folder, 'the.lock');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('is held by one, and names it with its note', () => {
    const first = tryLock(path, { page: 'http://localhost:8080' });
    const second = tryLock(path);
    expect(first.is).toBe('taken');
    expect(second).toEqual({ is: 'held', by: { ...ownIdentity(), note: { page: 'http://localhost:8080' } } });
  });

  it('can be taken again once it is released, and leaves nothing behind', () => {
    const first = tryLock(path);
    if (first.is === 'taken') first.release();
    expect(readdirSync(folder)).toEqual([]);
    expect(tryLock(path).is).toBe('taken');
  });

  it('is taken over from a holder that is dead, also when its number lives on', () => {
    writeFileSync(path, JSON.stringify({ ...ownIdentity(), born: 'earlier' }));
    expect(tryLock(path).is).toBe('taken');
    expect(holderOf(path)).toMatchObject(ownIdentity());
  });

  it('is taken over from a process that was killed while it held it', () => {
    const lock = inRepository('infra/local/src/bootstrap/lock.mjs');
    const script = `import { tryLock } from ${JSON.stringify(lock)}; tryLock(${JSON.stringify(path)}); process.kill(process.pid, 'SIGKILL');`;
    spawnSync(process.execPath, ['--input-type=module', '-e', script]);
    expect(isAlive(holderOf(path)!)).toBe(false);
    expect(tryLock(path).is).toBe('taken');
  });

  it('is taken over when what it says can not be read', () => {
    writeFileSync(path, '{"pid": 1');
    expect(tryLock(path).is).toBe('taken');
  });

  it('is not given away by one who does not hold it any more', () => {
    const first = tryLock(path);
    writeFileSync(path, JSON.stringify({ pid: 1, born: 'another' }));
    if (first.is === 'taken') first.release();
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ pid: 1, born: 'another' });
  });

  it('lets one act at a time, in one process and in many', async () => {
    const lock = inRepository('infra/local/src/bootstrap/lock.mjs');
    const log = join(folder, 'log');
    // Each notes its entry and its exit; two that overlap would show as two entries in a row.
    const script = `
      import { appendFileSync } from 'node:fs';
      import { exclusively } from ${JSON.stringify(lock)};
      const act = async () => {
        appendFileSync(${JSON.stringify(log)}, 'in ');
        await new Promise((resolve) => setTimeout(resolve, 5));
        appendFileSync(${JSON.stringify(log)}, 'out ');
      };
      await Promise.all(Array.from({ length: 3 }, () => exclusively(${JSON.stringify(path)}, act)));`;
    const ended = [1, 2].map(
      () =>
        new Promise((resolve) => spawn(process.execPath, ['--input-type=module', '-e', script]).once('exit', resolve)),
    );
    expect(await Promise.all(ended)).toEqual([0, 0]);
    expect(readFileSync(log, 'utf8')).toBe('in out '.repeat(6));
  });

  it('fails when the others take too long', async () => {
    tryLock(path);
    await expect(exclusively(path, async () => 'never', 50)).rejects.toThrow(`held by process ${process.pid}`);
  });
});
