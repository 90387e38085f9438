import { spawn } from 'node:child_process';
import { once } from 'node:events';

import {
  childrenOf,
  hasEnded,
  identityOf,
  isAlive,
  ownIdentity,
  signalTo,
} from '../../../infra/local/src/bootstrap/process-identity.mjs';

const sleeper = async () => {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const identity = identityOf(child.pid!);
  if (identity === undefined) throw new Error('it ended at once');
  return { identity, ended: once(child, 'exit') };
};

describe('the identity of a process', () => {
  it('is the same each time it is asked for', () => {
    expect(identityOf(process.pid)).toEqual(ownIdentity());
    expect(isAlive(ownIdentity())).toBe(true);
  });

  it('dies with the process', async () => {
    const { identity, ended } = await sleeper();
    expect(childrenOf(process.pid)).toContain(identity.pid);
    expect(signalTo(identity, 'SIGKILL')).toBe(true);
    await ended;
    expect(isAlive(identity)).toBe(false);
    expect(signalTo(identity, 'SIGKILL')).toBe(false);
  });

  it('is not that of another process with the same number', async () => {
    const { identity, ended } = await sleeper();
    expect(signalTo({ ...identity, born: 'at another time' }, 'SIGKILL')).toBe(false);
    expect(isAlive(identity)).toBe(true);
    signalTo(identity, 'SIGKILL');
    await ended;
  });

  it('lives as long as one of its threads, whose ports are not free before', () => {
    // As /proc/PID/stat has it from the third field on, of a process whose first thread has ended.
    const statOf = (state: string, threads: number) =>
      `${state} 1 1 1 0 -1 4194316 0 0 0 0 12 3 0 0 20 0 ${threads} 0 1153955 0 0`.split(' ');
    expect(hasEnded(statOf('Z', 38))).toBe(false);
    expect(hasEnded(statOf('Z', 1))).toBe(true);
    expect(hasEnded(statOf('S', 1))).toBe(false);
  });
});
