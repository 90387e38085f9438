import { ServiceProcess } from '../../support/processes.js';
import type { Stack } from '@tradesense/local';
import { JWT_SECRET } from '../../support/tokens.js';
import { given } from '../../support/given.js';
import { until } from '../../support/until.js';
import type { Seat } from './messages.js';

export const seats = (count: number): readonly Seat[] =>
  Array.from({ length: count }, () => ({ challengeId: given.uuid(), userId: given.userId() }));

/** The plain way, as a process. */
export async function startPlain(stack: Stack): Promise<ServiceProcess> {
  const plain = await ServiceProcess.start({
    name: 'the plain way',
    entry: 'test/dist/bench/baseline/plain-trade.js',
    preload: 'test/bin/built-services.mjs',
    env: { JWT_SECRET, DATABASE_URL: stack.databaseUrl('trade') },
  });
  await until(
    () => (plain.isRunning ? plain.logged('listening').length : -1),
    (count) => count !== 0,
    { withinMs: 30_000, what: 'the plain way listens' },
  );
  if (!plain.isRunning) throw new Error(`the plain way ended instead of starting\n${plain.tail()}`);
  return plain;
}
