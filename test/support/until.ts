import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';

export interface Bound {
  /** Milliseconds after which waiting has failed. */
  readonly withinMs?: number;
  readonly everyMs?: number;
  /** What was awaited, for whoever reads the failure. */
  readonly what?: string;
}

const show = (value: unknown): string => inspect(value, { depth: 5, maxArrayLength: 20, breakLength: 120 });

/**
 * Waits until what `read` gives satisfies `holds`, and returns it. A `read` that throws is asked again: "not there yet" is often
 * an exception. When the time is over the last value, or the last exception, is in the message.
 */
export async function until<Value>(
  read: () => Value | Promise<Value>,
  holds: (value: Value) => boolean = Boolean,
  { withinMs = 10_000, everyMs = 20, what = holds.name || read.toString() }: Bound = {},
): Promise<Value> {
  const deadline = performance.now() + withinMs;
  let last = 'nothing was read';
  for (;;) {
    try {
      const value = await read();
      if (holds(value)) return value;
      last = show(value);
    } catch (error) {
      last = `an exception: ${error instanceof Error ? error.message : show(error)}`;
    }
    if (performance.now() >= deadline) throw new Error(`not within ${withinMs} ms: ${what}\nlast value: ${last}`);
    await delay(everyMs);
  }
}

/** A promise with a bound, where there is something to await but no promise that it ever comes. */
export async function within<Value>(withinMs: number, what: string, promise: Promise<Value>): Promise<Value> {
  const ended = new AbortController();
  const late = delay(withinMs, undefined, { signal: ended.signal }).then(
    () => Promise.reject(new Error(`not within ${withinMs} ms: ${what}`)),
    () => promise,
  );
  try {
    return await Promise.race([promise, late]);
  } finally {
    ended.abort();
  }
}
