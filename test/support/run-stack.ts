import { startStack, type Stack } from '@tradesense/local';

import { PLACE_VARIABLE } from './stack.js';

let stack: Stack | undefined;

/** Starts the servers of a whole Jest run, in Jest's own process: whatever ends it ends them (pitfall X3). */
export async function startForRun(): Promise<void> {
  // No test on these servers is about a crash of the machine.
  stack = await startStack({ durable: false, topicPrefix: null });
  process.env[PLACE_VARIABLE] = JSON.stringify(stack.place);
}

export async function stopAfterRun(): Promise<void> {
  await stack?.stop();
  stack = undefined;
}
