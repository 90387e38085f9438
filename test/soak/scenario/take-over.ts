import { setTimeout as delay } from 'node:timers/promises';

import { topicsOf } from '@tradesense/contracts';
import type { Stack } from '@tradesense/local';

import type { Verdict } from '../../support/log-check.js';
import type { ServiceProcess } from '../../support/processes.js';
import { Relays, leads } from '../../support/relays.js';
import { groundOn, privateStack } from '../../support/stack.js';
import { CommitToKafka, SteadyWriters } from '../../support/steady-writers.js';
import { checkLog } from '../../support/topic-log.js';
import { until } from '../../support/until.js';
import { settled } from './settled.js';

const SLOTS = ['left', 'right'] as const;
type Slot = (typeof SLOTS)[number];

/** Makes it whole again. */
type Mend = () => Promise<unknown>;

/** What happens to the leader: at once, though who ends in order takes a moment for it. */
const ENDS = {
  SIGKILL: async (relay) => {
    await relay.kill();
    return () => Promise.resolve();
  },
  SIGSTOP: async (relay) => {
    relay.freeze();
    return () => Promise.resolve(relay.thaw());
  },
  'cut connection': async (_, { postgres, kafka }) => {
    postgres.cut();
    kafka.cut();
    return () => Promise.all([postgres.heal(), kafka.heal()]);
  },
  SIGTERM: async (relay) => {
    await relay.stop();
    return () => Promise.resolve();
  },
} satisfies Record<string, (relay: ServiceProcess, link: ReturnType<Stack['link']>) => Promise<Mend>>;

export type End = keyof typeof ENDS;
export const END_NAMES = Object.keys(ENDS) as End[];

export interface TakeOver {
  readonly end: End;
  /** From the end of the leader until the other one had the lease, and until Kafka had something of what was committed since. */
  readonly leaseMs: number;
  readonly publishedMs: number;
}

export interface TakeOverReport {
  readonly verdict: Verdict;
  readonly takeOvers: readonly TakeOver[];
}

export const takeOverStack = (): Promise<Stack> => privateStack({ links: SLOTS });

/** Two relays; the leader ends in each way, `rounds` times, while others write. */
export async function takeOver(stack: Stack, { rounds, leaseMs }: { rounds: number; leaseMs: number }) {
  const ground = groundOn(stack);
  const url = ground.databaseUrl('postgres');
  const { events } = topicsOf(ground.topicPrefix);
  const relays = new Relays(ground);
  const running = new Map<Slot, ServiceProcess>();
  const start = async (slot: Slot): Promise<void> => {
    const options = { ground: groundOn(stack.link(slot)), env: { LEASE_MS: String(leaseMs), SAVE_MS: '1000' } };
    running.set(slot, await (await relays.start(slot, options)).ready());
  };
  const writers = await SteadyWriters.open({
    url,
    events: 1,
    committed: (id, sequence, ms) => meter.committedAt(id, sequence, ms),
  });
  const meter = await CommitToKafka.open(ground.brokers, events, writers.challenges);
  const stop = new AbortController();
  const writing = (async () => {
    while (!stop.signal.aborted) {
      await writers.write();
      await delay(20);
    }
  })();

  const takeOvers: TakeOver[] = [];
  try {
    for (const slot of SLOTS) await start(slot);
    for (let round = 0; round < rounds; round += 1)
      for (const end of END_NAMES) {
        const [leading, other] = (await leads(running.get('left')!)) ? SLOTS : ([...SLOTS].reverse() as [Slot, Slot]);
        const leader = running.get(leading)!;
        const next = running.get(other)!;
        const taken = next.logged('lease taken').length;
        const endedMs = Date.now();
        const ending = ENDS[end](leader, stack.link(leading));
        const [line] = await until(
          () => next.logged('lease taken').slice(taken),
          (lines) => lines.length > 0,
          { withinMs: 2 * leaseMs + 10_000, what: `the other has the lease after ${end}` },
        );
        // Committed a moment later, so that not even a leader that ends in order can have read it.
        const lateMs = end === 'SIGTERM' ? Date.parse(line?.time ?? '') : endedMs;
        const first = await until(() => meter.delays.find(({ committedMs }) => committedMs > lateMs));
        takeOvers.push({
          end,
          leaseMs: Date.parse(line?.time ?? '') - endedMs,
          publishedMs: first!.committedMs + first!.delayMs - endedMs,
        });
        const mend = await ending;
        await mend();
        if (leader.isRunning) await leader.ready();
        else await start(leading);
        await settled(url, 20_000); // or the next one would repeat this one's as well
      }
    stop.abort();
    await writing;
    await settled(url, 20_000);
    return { verdict: await checkLog(ground, events), takeOvers } satisfies TakeOverReport;
  } finally {
    stop.abort();
    await relays.processes.stop();
    await Promise.all([writing.catch(() => undefined), meter.close()]);
    await writers.close();
  }
}
