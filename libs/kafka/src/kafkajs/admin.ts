import type { TopicSpec } from '@tradesense/contracts';
import { Fault, systemClock, type Logger } from '@tradesense/platform';
import type { Admin as KafkajsAdmin } from 'kafkajs';
import { atMost, inTime } from '../bounds.js';
import type { Admin, KafkaConnection, TopicFault } from '../port.js';
import { clientConfig, Kafka, RETRY } from './library.js';
import { Sockets } from './sockets.js';
import { whyNot } from './why-not.js';

export interface AdminOptions {
  readonly log?: Logger;
  /** How long a call may take before it fails with `kafka-unavailable`. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 15_000;
const CLOSE_MS = 500;
const AGAIN_MS = 50;
const TOPIC_RESOURCE = 2;
/** Settings that change what the records mean; the others are the operator's. */
const CHECKED_SETTINGS = ['cleanup.policy', 'message.timestamp.type'];

interface Session {
  readonly admin: KafkajsAdmin;
  readonly sockets: Sockets;
  readonly connected: Promise<void>;
}

/** Like the publisher it gives up a client object that failed, with its sockets, and takes a new one for the next call. */
export class KafkaAdmin implements Admin {
  readonly #deadlineMs: number;
  #session: Session | undefined;
  #isClosed = false;

  constructor(
    private readonly connection: KafkaConnection,
    private readonly options: AdminOptions = {},
  ) {
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  }

  ensureTopics(topics: readonly TopicSpec[], replication = 1): Promise<void> {
    return this.#call(async (admin) => {
      const present = new Set(await admin.listTopics());
      const missing = topics.filter(({ name }) => !present.has(name));
      if (missing.length === 0) return;
      // Made by somebody else in between: createTopics answers false, which is as good.
      await admin.createTopics({
        topics: missing.map(({ name, partitions, settings }) => ({
          topic: name,
          numPartitions: partitions,
          replicationFactor: replication,
          configEntries: Object.entries(settings).map(([setting, value]) => ({ name: setting, value })),
        })),
        waitForLeaders: false,
        timeout: this.#deadlineMs,
      });
      // Brokers learn of a topic, then that they lead it, one after the other: whoever waited for us can begin at once.
      for (const { name } of missing) await this.#patiently(() => admin.fetchTopicOffsets(name), always);
    });
  }

  checkTopics(topics: readonly TopicSpec[]): Promise<readonly TopicFault[]> {
    return this.#call(async (admin) => {
      const names = new Set(await admin.listTopics());
      const present = topics.filter(({ name }) => names.has(name));
      const faults: TopicFault[] = topics
        .filter(({ name }) => !names.has(name))
        .map(({ name }) => ({ topic: name, what: 'is missing' }));
      if (present.length === 0) return faults;
      const counts = await partitionCounts(admin, present);
      const settings = await settingsOf(admin, present);
      for (const { name, partitions, settings: expected } of present) {
        const count = counts.get(name);
        if (count !== partitions)
          faults.push({ topic: name, what: `has ${count} partitions, configured are ${partitions}` });
        for (const setting of CHECKED_SETTINGS) {
          const wanted = expected[setting];
          const found = settings.get(name)?.get(setting);
          if (wanted !== undefined && found !== wanted) {
            faults.push({ topic: name, what: `has ${setting}=${found}, expected is ${wanted}` });
          }
        }
      }
      return faults;
    });
  }

  ends(topic: string): Promise<ReadonlyMap<number, bigint>> {
    return this.#call(async (admin) => {
      const offsets = await this.#patiently(() => admin.fetchTopicOffsets(topic), isRetriable);
      return new Map(offsets.map(({ partition, high }) => [partition, BigInt(high)]));
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const session = this.#session;
    if (session === undefined) return;
    this.#session = undefined;
    await atMost(
      CLOSE_MS,
      session.admin.disconnect().catch(() => undefined),
    );
    session.sockets.cut(new Error('the admin was closed'));
  }

  /** Again after what passes by itself, within the deadline: kafkajs gives up on a leader that has just been made one. */
  async #patiently<T>(work: () => Promise<T>, passes: (error: unknown) => boolean): Promise<T> {
    const givesUpAtMs = systemClock.monotonicMs() + this.#deadlineMs;
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!passes(error) || systemClock.monotonicMs() >= givesUpAtMs) throw error;
        await systemClock.sleep(AGAIN_MS);
      }
    }
  }

  async #call<T>(work: (admin: KafkajsAdmin) => Promise<T>): Promise<T> {
    if (this.#isClosed) throw new Fault('admin-closed', 'stop', 'the admin is closed');
    const session = (this.#session ??= this.#open());
    const late = (): Error => new Error(`no answer within ${this.#deadlineMs} ms`);
    try {
      return await inTime(
        session.connected.then(() => work(session.admin)),
        { ms: this.#deadlineMs },
        late,
      );
    } catch (error) {
      if (this.#session === session) this.#session = undefined;
      session.sockets.cut(new Error('the admin client was given up'));
      session.admin.disconnect().catch(() => undefined);
      throw new Fault('kafka-unavailable', 'wait', whyNot(error, this.connection), { cause: error });
    }
  }

  #open(): Session {
    const sockets = new Sockets();
    const requestMs = Math.ceil(this.#deadlineMs / 2);
    const config = clientConfig(this.connection, { requestMs, socketFactory: sockets.factory, log: this.options.log });
    const admin = new Kafka(config).admin({ retry: RETRY });
    return { admin, sockets, connected: admin.connect() };
  }
}

const always = (): boolean => true;
const isRetriable = (error: unknown): boolean => (error as { retriable?: unknown }).retriable === true;

async function partitionCounts(
  admin: KafkajsAdmin,
  topics: readonly TopicSpec[],
): Promise<ReadonlyMap<string, number>> {
  const metadata = await admin.fetchTopicMetadata({ topics: topics.map(({ name }) => name) });
  return new Map(metadata.topics.map(({ name, partitions }) => [name, partitions.length]));
}

async function settingsOf(
  admin: KafkajsAdmin,
  topics: readonly TopicSpec[],
): Promise<ReadonlyMap<string, ReadonlyMap<string, string>>> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: topics.map(({ name }) => ({ type: TOPIC_RESOURCE, name, configNames: CHECKED_SETTINGS })),
  });
  return new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  );
}
