import { topicsOf, type Topics } from '@tradesense/contracts';

import { contiguousPerChallenge, sameSet, type Numbered } from './invariants.js';
import { WriterChallenges } from './outbox-writers.js';
import { Processes, type ServiceProcess } from './processes.js';
import type { Ground } from './system.js';
import { GrowingLog } from './growing-log.js';
import { until } from './until.js';

/** A tenth of production's, so that waiting for a lease to run out takes a second. */
export const LEASE_MS = 1_000;

export interface RelayRow {
  readonly owner: string;
  readonly generation: number;
  readonly floor: number;
}

/** Relays as processes, challenges that tests write themselves, and everything that came into the topics. */
export class RelayScene {
  readonly processes = new Processes();
  readonly topics: Topics;

  private constructor(
    readonly ground: Ground,
    readonly challenges: WriterChallenges,
    readonly log: GrowingLog,
  ) {
    this.topics = topicsOf(ground.topicPrefix);
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
    return this.processes.start({
      name,
      entry: 'services/relay/dist/main.js',
      env: {
        ADMIN_PORT: '0',
        DATABASE_URL: this.ground.databaseUrl('relay'),
        KAFKA_BROKERS: this.ground.brokers.join(','),
        TOPIC_PREFIX: this.ground.topicPrefix,
        LEASE_MS: String(LEASE_MS),
        SAVE_MS: '100',
        WATERMARK_MS: '100',
        ...env,
      },
    });
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
