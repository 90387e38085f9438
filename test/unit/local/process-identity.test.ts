import { spawn } from 'node:child_process';
import { once } from 'node:events';

import {
  childrenOf,
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
});
