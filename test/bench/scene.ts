import { cpus } from 'node:os';

import { groundOn, privateStack } from '../support/stack.js';
import { System, type SystemOptions } from '../support/system.js';

/** A stack of its own, whose PostgreSQL waits for the disk, and the services as processes; all of it is gone afterwards. */
export async function onPrivateSystem<Result>(
  options: SystemOptions,
  measure: (system: System) => Promise<Result>,
): Promise<Result> {
  const stack = await privateStack();
  try {
    const system = await System.start(groundOn(stack), options);
    try {
      return await measure(system);
    } finally {
      await system.stop();
    }
  } finally {
    await stack.stop();
  }
}

/** Whoever compares figures compares machines too. */
export function machine(): string {
  const all = cpus();
  return `${all.length} processors (${all[0]?.model.trim() ?? 'unknown'}), Node.js ${process.versions.node}, one machine for all`;
}
