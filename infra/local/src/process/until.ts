import { setTimeout as sleep } from 'node:timers/promises';

interface Wait {
  readonly what: string;
  readonly withinMs: number;
  readonly everyMs?: number;
  /** Why waiting makes no sense any more, if so. */
  readonly given?: () => string | undefined;
}

/** Asks until the answer is not undefined. An error counts as "not yet" and is told when the time is over. */
export async function until<Value>(
  ask: () => Promise<Value | undefined>,
  { what, withinMs, everyMs = 50, given }: Wait,
): Promise<Value> {
  const deadline = performance.now() + withinMs;
  for (let last: unknown; ; await sleep(everyMs)) {
    const hopeless = given?.();
    if (hopeless !== undefined) throw new Error(`${what}: ${hopeless}`, { cause: last });
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      last = error;
    }
    if (performance.now() > deadline) throw new Error(`${what}: not within ${withinMs} ms`, { cause: last });
  }
}

/** The promise's outcome, or an error after `ms`. */
export async function withDeadline<Value>(
  promise: Promise<Value>,
  ms: number,
  late = `not within ${ms} ms`,
): Promise<Value> {
  const over = new AbortController();
  try {
    return await Promise.race([
      promise,
      sleep(ms, undefined, { signal: over.signal }).then(() => Promise.reject(new Error(late))),
    ]);
  } finally {
    over.abort();
  }
}
