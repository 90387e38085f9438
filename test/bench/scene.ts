import { cpus } from 'node:os';

import { DATABASE, startStack } from '@tradesense/local';

import { System, type SystemOptions } from '../support/system.js';

/** A stack of its own, whose PostgreSQL waits for the disk, and the services as processes; all of it is gone afterwards. */
export async function onPrivateSystem<Result>(
  options: SystemOptions,
  measure: (system: System) => Promise<Result>,
): Promise<Result> {
  const stack = await startStack();
  try {
    const ground = { ...stack, database: DATABASE, topicPrefix: 'tradesense.' };
    const system = await System.start(ground, options);
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
