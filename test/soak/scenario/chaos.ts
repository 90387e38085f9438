import { setTimeout as delay } from 'node:timers/promises';

import { topicsOf } from '@tradesense/contracts';
import type { Stack } from '@tradesense/local';

import { ChaosWriters, endPrepared, type Tally } from '../../support/chaos-writers.js';
import type { Repeat, Verdict } from '../../support/log-check.js';
import { OutboxWriter, WriterChallenges, chanceOf } from '../../support/outbox-writers.js';
import type { ServiceProcess } from '../../support/processes.js';
import { Relays, leads } from '../../support/relays.js';
import { groundOn, privateStack } from '../../support/stack.js';
import { checkLog } from '../../support/topic-log.js';
import { until } from '../../support/until.js';
import { excusesOf, explained, type Excuse, type Why } from './excuses.js';
import { ask, settled } from './settled.js';

/** Each has a link of its own to both servers. */
const SLOTS = ['one', 'two', 'three'] as const;
type Slot = (typeof SLOTS)[number];

export interface ChaosOptions {
  readonly seed: number;
  /** No new round of faults begins after this time. */
  readonly seconds: number;
  /** Each happens once per round, in an order left to chance. */
  readonly faults: readonly FaultName[];
  readonly writers: number;
  readonly challenges: number;
  readonly leaseMs: number;
  /** Longest calm between two faults. */
  readonly calmMs: number;
  readonly tell?: (text: string) => void;
}

export interface ChaosReport {
  readonly verdict: Verdict;
  readonly tally: Tally;
  readonly happened: ReadonlyMap<FaultName, number>;
  readonly takeOvers: number;
  readonly unclearSends: number;
  readonly repeatsBy: Readonly<Record<Why, number>>;
  /** Repeats that no kill, take-over or unclear send answers for. */
  readonly unexplained: readonly string[];
  /** Challenges that the relay parked: nothing here is a reason to. */
  readonly parked: number;
}

/** Servers for it: each relay's links can be broken, and transactions may be prepared. */
export const chaosStack = (): Promise<Stack> =>
  privateStack({ links: SLOTS, postgres: { max_prepared_transactions: '60' } });

class ChaosScene {
  readonly relays: Relays;
  readonly zombies: Excuse[] = [];
  readonly #running = new Map<Slot, ServiceProcess>();
  readonly url: string;

  constructor(
    readonly stack: Stack,
    readonly chance: () => number,
    readonly leaseMs: number,
    readonly challenges: readonly string[],
  ) {
    this.relays = new Relays(groundOn(stack));
    this.url = stack.databaseUrl('postgres');
  }

  upTo = (ms: number): Promise<void> => delay(this.chance() * ms);
  anySlot = (): Slot => SLOTS[Math.floor(this.chance() * SLOTS.length)]!;
  at = (slot: Slot): ServiceProcess => this.#running.get(slot)!;

  async start(slot: Slot): Promise<void> {
    const options = { ground: groundOn(this.stack.link(slot)), env: { LEASE_MS: String(this.leaseMs) } };
    this.#running.set(slot, await this.relays.start(slot, options));
  }

  /** Where the leader is; anywhere, when nobody leads for long. */
  async leading(): Promise<Slot> {
    const leader = async (): Promise<Slot | undefined> => {
      for (const slot of SLOTS) if (await leads(this.at(slot))) return slot;
      return undefined;
    };
    return (
      (await until(leader, Boolean, { withinMs: 3 * this.leaseMs + 5_000 }).catch(() => undefined)) ?? this.anySlot()
    );
  }

  async killAndStart(slot: Slot): Promise<void> {
    await this.at(slot).kill();
    await this.upTo(1.5 * this.leaseMs);
    await this.start(slot);
  }

  /** What a process or a link does when it goes on may have been decided long before. */
  async zombie(stop: () => void, ms: number, goOn: () => void | Promise<void>): Promise<void> {
    const fromMs = Date.now();
    stop();
    await delay(ms);
    await goOn();
    this.zombies.push({ why: 'zombie', fromMs, toMs: Date.now() + 2_000 });
  }

  freeze = (slot: Slot, ms: number): Promise<void> => {
    const relay = this.at(slot);
    return this.zombie(
      () => relay.freeze(),
      ms,
      () => relay.thaw(),
    );
  };

  answers = (): Promise<unknown> => until(() => ask(this.url, 'select 1'), Boolean, { withinMs: 60_000, everyMs: 100 });

  /** A transaction that is prepared now and waits for somebody to end it, whatever happens in between. */
  async leavePrepared(): Promise<void> {
    const writer = await OutboxWriter.open(this.url);
    try {
      await writer.query(`set lock_timeout = '1s'`);
      await writer.begin();
      await writer.append(this.challenges[Math.floor(this.chance() * this.challenges.length)]!);
      await writer.query(`prepare transaction 'left-${Date.now()}'`);
    } catch {
      // Somebody else has that challenge: then there is one prepared transaction less.
    } finally {
      await writer.close();
    }
  }

  async crashPostgres(): Promise<void> {
    await this.leavePrepared();
    await this.stack.postgres.kill('SIGKILL');
    await this.upTo(1_000);
    await this.stack.postgres.start();
  }

  async crashKafka(): Promise<void> {
    await this.stack.kafka.kill('SIGKILL');
    await this.stack.kafka.start();
  }
}

/** What can happen; each resolves when whatever it broke is whole again. */
const FAULTS = {
  'leader killed': async (scene) => scene.killAndStart(await scene.leading()),
  'relay killed': async (scene) => scene.killAndStart(scene.anySlot()),
  'leader stopped past its lease': async (scene) =>
    scene.freeze(await scene.leading(), scene.leaseMs * (1.2 + scene.chance())),
  'relay stopped for a moment': async (scene) => scene.freeze(scene.anySlot(), scene.chance() * scene.leaseMs),
  'leader ended in order': async (scene) => {
    const slot = await scene.leading();
    await scene.at(slot).stop();
    await scene.start(slot);
  },
  'PostgreSQL process killed': async ({ url, answers }) => {
    const [victim] = await ask<{ pid: number }>(
      url,
      `select pid from pg_stat_activity where backend_type = 'checkpointer'`,
    );
    if (victim !== undefined) process.kill(victim.pid, 'SIGKILL');
    await answers();
  },
  'PostgreSQL killed': async (scene) => {
    await scene.crashPostgres();
    await scene.upTo(2_000);
    await endPrepared(scene.url, scene.chance);
  },
  'Kafka killed': (scene) => scene.crashKafka(),
  'Kafka restarted': async ({ stack }) => {
    await stack.kafka.stop();
    await stack.kafka.start();
  },
  'both killed': async (scene) => {
    await Promise.all([scene.crashPostgres(), scene.crashKafka()]);
    await endPrepared(scene.url, scene.chance);
  },
  'links cut': async (scene) => {
    const { postgres, kafka } = scene.stack.link(await scene.leading());
    postgres.cut();
    kafka.cut();
    await scene.upTo(2 * scene.leaseMs);
    await Promise.all([postgres.heal(), kafka.heal()]);
  },
  "Kafka's replies lost": async (scene) => loseReplies(scene, scene.stack.link(await scene.leading()).kafka),
  "PostgreSQL's replies lost": async (scene) => loseReplies(scene, scene.stack.link(await scene.leading()).postgres),
  "Kafka's replies cut short": async (scene) => {
    const { kafka } = scene.stack.link(await scene.leading());
    kafka.cutAfter(1 + Math.floor(scene.chance() * 400), 'replies');
    await delay(500);
    await kafka.heal();
  },
  'links frozen': async (scene) => {
    const { postgres, kafka } = scene.stack.link(await scene.leading());
    const stop = () => [postgres, kafka].forEach((link) => link.freeze());
    await scene.zombie(stop, scene.leaseMs * (0.5 + scene.chance()), async () => {
      await Promise.all([postgres.heal(), kafka.heal()]);
    });
  },
} satisfies Record<string, (scene: ChaosScene) => Promise<void>>;

export type FaultName = keyof typeof FAULTS;
export const FAULT_NAMES = Object.keys(FAULTS) as FaultName[];

async function loseReplies({ upTo }: ChaosScene, link: ReturnType<Stack['link']>['kafka']): Promise<void> {
  link.dropReplies();
  await upTo(1_000);
  link.cut();
  await link.heal();
}

/**
 * Three relays beside disorderly writers while processes, servers and links break, one after the other. Whatever happens: what was
 * committed is in Kafka, of each challenge in order, and an event comes again only where a kill, a take-over or an unclear send
 * answers for it.
 */
export async function chaos(stack: Stack, options: ChaosOptions): Promise<ChaosReport> {
  const { seed, seconds, leaseMs, calmMs, tell = () => undefined } = options;
  const chance = chanceOf(seed);
  const challenges = await WriterChallenges.create(stack.databaseUrl('postgres'), options.challenges);
  await challenges.close();
  const scene = new ChaosScene(stack, chance, leaseMs, challenges.ids);
  const happened = new Map<FaultName, number>(options.faults.map((name) => [name, 0]));
  try {
    for (const slot of SLOTS) await scene.start(slot);
    await Promise.all(SLOTS.map((slot) => scene.at(slot).ready()));
    const writers = await ChaosWriters.start({
      url: scene.url,
      challenges: challenges.ids,
      chance: chanceOf(seed + 1),
      writers: options.writers,
      pauseMs: 50,
    });
    const untilMs = performance.now() + seconds * 1_000;
    do
      for (const name of shuffled(options.faults, chance)) {
        await scene.upTo(calmMs);
        tell(name);
        await FAULTS[name](scene);
        happened.set(name, (happened.get(name) ?? 0) + 1);
      }
    while (performance.now() < untilMs);
    await scene.answers();
    await writers.stop();
    await settled(scene.url, 60_000);
    return { ...(await judged(scene)), tally: writers.tally, happened };
  } finally {
    await scene.relays.processes.stop();
  }
}

async function judged({ stack, url, relays, zombies }: ChaosScene): Promise<Omit<ChaosReport, 'tally' | 'happened'>> {
  const repeats: Repeat[] = [];
  const ground = groundOn(stack);
  const verdict = await checkLog(ground, topicsOf(ground.topicPrefix).events, (repeat) => repeats.push(repeat));
  const excuses = [...relays.all.flatMap(excusesOf), ...zombies];
  const { by, unexplained } = explained(repeats, excuses);
  const [parked] = await ask<{ count: number }>(url, 'select count(*)::int from parked');
  const count = (why: Why): number => excuses.filter((excuse) => excuse.why === why).length;
  return {
    verdict,
    takeOvers: count('take-over'),
    unclearSends: count('unclear send'),
    repeatsBy: by,
    unexplained,
    parked: parked?.count ?? 0,
  };
}

function shuffled<Item>(items: readonly Item[], chance: () => number): readonly Item[] {
  return items
    .map((item) => ({ item, by: chance() }))
    .sort((a, b) => a.by - b.by)
    .map(({ item }) => item);
}
