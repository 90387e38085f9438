import { topicsOf, type Topics } from '@tradesense/contracts';

import { contiguousPerChallenge, sameSet, type Numbered } from './invariants.js';
import { WriterChallenges } from './outbox-writers.js';
import type { Processes, ServiceProcess } from './processes.js';
import { Relays } from './relays.js';
import type { Ground } from './system.js';
import { GrowingLog } from './growing-log.js';
import { until } from './until.js';

export { LEASE_MS } from './relays.js';

export interface RelayRow {
  /** Until a relay leads. */
  readonly owner: string | null;
  readonly generation: number;
  readonly floor: number;
}

/** Relays as processes, challenges that tests write themselves, and everything that came into the topics. */
export class RelayScene {
  readonly relays: Relays;
  readonly topics: Topics;

  private constructor(
    readonly ground: Ground,
    readonly challenges: WriterChallenges,
    readonly log: GrowingLog,
  ) {
    this.relays = new Relays(ground);
    this.topics = topicsOf(ground.topicPrefix);
  }

  get processes(): Processes {
    return this.relays.processes;
  }

  /** @param brokers where the log is read, if not where the relays connect */
  static async open(ground: Ground, { challenges = 20, brokers = ground.brokers } = {}): Promise<RelayScene> {
    const { events, state, watermarks } = topicsOf(ground.topicPrefix);
    return new RelayScene(
      ground,
      await WriterChallenges.create(ground.databaseUrl('postgres'), challenges),
      await GrowingLog.open(brokers, [events, state, watermarks]),
    );
  }

  /** Starts a relay; `ready()` waits until it leads or stands by. */
  relay(name = 'relay', env: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> {
    return this.relays.start(name, { env });
  }

  /** The relay's row in the database. */
  async row(): Promise<RelayRow> {
    const { rows } = await this.challenges.query<RelayRow>(
      `select owner, generation::int, floor::int from relay where name = 'outbox'`,
    );
    return rows[0]!;
  }

  /** Until Kafka has every committed event; answers with what it has. Order and the other direction are checked as well. */
  async published(withinMs = 10_000): Promise<readonly Numbered[]> {
    const committed = await this.challenges.committed();
    const lost = () => sameSet(committed, this.log.numbered(this.topics.events));
    await until(lost, (faults) => faults.length === 0, { withinMs, what: 'Kafka has what was committed' });
    const events = this.log.numbered(this.topics.events);
    expect(contiguousPerChallenge(events)).toEqual([]);
    return events;
  }

  async close(): Promise<void> {
    await this.processes.stop();
    await this.log.close();
    await this.challenges.close();
  }
}
