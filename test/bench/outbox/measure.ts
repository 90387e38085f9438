import { HEADER } from '@tradesense/contracts';
import { connectAdmin, openReader } from '@tradesense/kafka';

import { until } from '../../support/until.js';
import { atConstantRate, type Arrivals } from '../load/arrivals.js';
import type { Contender } from './contender.js';
import { processorSeconds } from './process-figures.js';
import type { OutboxRows } from './rows.js';

const CAUGHT_UP_WITHIN_MS = 120_000;
const QUIET_MS = 1_000;
const EVERY_MS = 10;

const sumOf = (ends: ReadonlyMap<number, bigint>): number =>
  [...ends.values()].reduce((sum, end) => sum + Number(end), 0);

/** How many records a contender's topic has. */
export class Published {
  readonly #admin;

  constructor(
    brokers: readonly string[],
    private readonly topic: string,
  ) {
    this.#admin = connectAdmin({ brokers, clientId: 'bench-relay' });
  }

  count = async (): Promise<number> => sumOf(await this.#admin.ends(this.topic));

  async reached(count: number): Promise<void> {
    const bound = { withinMs: CAUGHT_UP_WITHIN_MS, everyMs: EVERY_MS, what: `${count} records in ${this.topic}` };
    await until(this.count, (published) => published >= count, bound);
  }

  /** Until all rows are there and nothing has come for a second: some may have come twice. @returns how many came */
  async settled(rows: number): Promise<number> {
    let last = { count: -1, sinceMs: 0 };
    const look = async () => {
      const count = await this.count();
      if (count !== last.count) last = { count, sinceMs: performance.now() };
      return { count, quietMs: performance.now() - last.sinceMs };
    };
    const bound = { withinMs: CAUGHT_UP_WITHIN_MS, everyMs: 100, what: `${rows} rows in ${this.topic}, and quiet` };
    return (await until(look, ({ count, quietMs }) => count >= rows && quietMs >= QUIET_MS, bound)).count;
  }

  close(): Promise<void> {
    return this.#admin.close();
  }
}

export interface Drain {
  readonly rowsPerS: number;
  readonly processorSPer100k: number;
}

/**
 * A backlog is written while the contender, warm and idle, is frozen where it stands; then it goes on, and the time runs until Kafka
 * has the last row. So neither its start nor a cold compiler is in the figures.
 */
export async function drain(
  contender: Contender,
  published: Published,
  rows: OutboxRows,
  count: number,
): Promise<Drain> {
  const before = await published.settled(rows.committed);
  contender.freeze();
  const committed = rows.committed;
  await rows.backlog(count).catch((error: unknown) => {
    contender.thaw();
    throw error;
  });
  const written = rows.committed - committed;
  const processorS = processorSeconds(contender.pid);
  const startedMs = performance.now();
  contender.thaw();
  await published.reached(before + written);
  const tookS = (performance.now() - startedMs) / 1_000;
  const spentS = processorSeconds(contender.pid) - processorS;
  return { rowsPerS: written / tookS, processorSPer100k: (spentS / written) * 100_000 };
}

/**
 * Single-row transactions at a constant rate: of each row the time from the answer to its commit until a reader of the topic has it,
 * both by this process's clock. Reading is part of it, so Kafka had it a little earlier.
 */
export async function commitToKafka(
  { name, partitions }: Contender['events'],
  brokers: readonly string[],
  rows: OutboxRows,
  arrivals: Arrivals,
): Promise<readonly number[]> {
  const arrivedMs = new Map<string, number>();
  const committedMs = new Map<string, number>();
  const reader = openReader({ brokers, clientId: 'bench-relay' }, [{ topic: name, partitions, from: 'end' }], {
    records(records) {
      const now = performance.now();
      for (const { headers } of records) {
        const id = String(headers.get(HEADER.id));
        if (!arrivedMs.has(id)) arrivedMs.set(id, now);
      }
    },
    lost: (loss) => {
      throw new Error(`the log of ${loss.topic} has lost ${loss.from} to ${loss.to}: ${loss.why}`);
    },
    position: () => undefined,
  });
  await reader.start();
  try {
    await atConstantRate(arrivals, async () => {
      const id = await rows.one();
      committedMs.set(id, performance.now());
      rows.wake();
    });
    await until(
      () => arrivedMs.size,
      (count) => count >= committedMs.size,
      {
        withinMs: CAUGHT_UP_WITHIN_MS,
        what: 'every row has arrived',
      },
    );
  } finally {
    await reader.stop();
  }
  return [...committedMs].map(([id, committed]) => Math.max(0, arrivedMs.get(id)! - committed));
}
