import { setTimeout as delay } from 'node:timers/promises';

export interface Arrivals {
  /** Per second. */
  readonly rate: number;
  readonly seconds: number;
}

/**
 * Calls `send` at a constant rate, whatever becomes of earlier calls, each with the moment at which it was due. Latencies counted
 * from there include the time by which a sender that could not keep up was late: a slow answer must not slow down the
 * questions, or it would hide itself.
 * @returns when all calls have settled
 */
export async function atConstantRate(
  { rate, seconds }: Arrivals,
  send: (index: number, dueNs: bigint) => Promise<void>,
): Promise<void> {
  const intervalNs = 1e9 / rate;
  const count = Math.round(rate * seconds);
  const startNs = process.hrtime.bigint();
  const calls: Promise<void>[] = [];
  for (let index = 0; index < count; index += 1) {
    const dueNs = startNs + BigInt(Math.round(index * intervalNs));
    const aheadMs = Number(dueNs - process.hrtime.bigint()) / 1e6;
    if (aheadMs > 0) await delay(aheadMs);
    calls.push(send(index, dueNs));
  }
  await Promise.all(calls);
}
