import type { Repeat } from '../../support/log-check.js';
import type { LogLine, ServiceProcess } from '../../support/processes.js';

/** The only reasons for which an event may come again (design 6.1, 6.3). */
export type Why = 'take-over' | 'unclear send' | 'zombie';

/** Between these times, milliseconds since 1970, an event may have been published again. */
export interface Excuse {
  readonly why: Why;
  readonly fromMs: number;
  readonly toMs: number;
}

const timeOf = ({ time }: LogLine): number => Date.parse(time ?? '');

/** What a relay's own log says: leases it took, and sends of which it did not know what became of them, until it knew. */
export function excusesOf(relay: ServiceProcess): readonly Excuse[] {
  const takeOvers = relay.logged('lease taken').map((line) => {
    const atMs = timeOf(line);
    return { why: 'take-over' as const, fromMs: atMs, toMs: atMs };
  });
  const again = relay.logged('Kafka acknowledges again').map(timeOf);
  const unclear = relay.logged('not acknowledged: repeating').map((line) => {
    const fromMs = timeOf(line);
    return { why: 'unclear send' as const, fromMs, toMs: again.find((atMs) => atMs >= fromMs) ?? Infinity };
  });
  return [...takeOvers, ...unclear];
}

/** The log's clock and the broker's are one, but a line is written a moment before or after what it speaks of. */
const SLACK_MS = 250;

/** How many repeats each reason answers for; those that none does, in words. */
export function explained(
  repeats: readonly Repeat[],
  excuses: readonly Excuse[],
): { readonly by: Readonly<Record<Why, number>>; readonly unexplained: readonly string[] } {
  const by: Record<Why, number> = { 'take-over': 0, 'unclear send': 0, zombie: 0 };
  const unexplained: string[] = [];
  for (const { event, beforeMs, againMs } of repeats) {
    const excuse = excuses.find(({ fromMs, toMs }) => fromMs <= againMs + SLACK_MS && toMs >= beforeMs - SLACK_MS);
    if (excuse === undefined)
      unexplained.push(`${event} came again after ${againMs - beforeMs} ms, at ${new Date(againMs).toISOString()}`);
    else by[excuse.why] += 1;
  }
  return { by, unexplained };
}
