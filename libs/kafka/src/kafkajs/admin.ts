import type { TopicSpec } from '@tradesense/contracts';
import { Fault, systemClock, systemRandom, type Logger } from '@tradesense/platform';
import type { Admin as KafkajsAdmin } from 'kafkajs';
import { atMost, inTime } from '../bounds.js';
import { Brokers } from '../brokers.js';
import type { Admin, KafkaConnection, TopicFault } from '../port.js';
import { CHECKED_SETTINGS, COPIES, insyncOf, topicFaults, type TopicFound } from '../topic-check.js';
import { clientConfig, Kafka, RETRY } from './library.js';
import { Sockets } from './sockets.js';
import { troubleOf, whyNot } from './why-not.js';

export interface AdminOptions {
  readonly log?: Logger;
  /** How long a call may take before it fails with `kafka-unavailable`. */
  readonly deadlineMs?: number;
}

const DEADLINE_MS = 15_000;
const CLOSE_MS = 500;
const AGAIN_MS = 50;
const TOPIC_RESOURCE = 2;

interface Session {
  readonly admin: KafkajsAdmin;
  /** Nothing leaves through it any more, and whatever waits fails. */
  readonly cut: (because: Error) => void;
  readonly connected: Promise<unknown>;
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

  ensureTopics(topics: readonly TopicSpec[], copies = 1): Promise<readonly string[]> {
    return this.#call(async (admin) => {
      const present = new Set(await admin.listTopics());
      const missing = topics.filter(({ name }) => !present.has(name));
      if (missing.length === 0) return [];
      // Made by somebody else in between: createTopics answers false, which is as good.
      await admin.createTopics({
        topics: missing.map(({ name, partitions, settings }) => ({
          topic: name,
          numPartitions: partitions,
          replicationFactor: copies,
          configEntries: Object.entries({ ...settings, ...safety(copies) }).map(([setting, value]) => ({
            name: setting,
            value,
          })),
        })),
        waitForLeaders: false,
        timeout: this.#deadlineMs,
      });
      // Brokers learn of a topic, then that they lead it, one after the other: whoever waited for us can begin at once.
      for (const { name } of missing) await this.#patiently(() => admin.fetchTopicOffsets(name), always);
      return missing.map(({ name }) => name);
    });
  }

  checkTopics(topics: readonly TopicSpec[], copies = COPIES): Promise<readonly TopicFault[]> {
    return this.#call(async (admin) => {
      const names = new Set(await admin.listTopics());
      const found = await topicsAsFound(
        admin,
        topics.map(({ name }) => name).filter((name) => names.has(name)),
      );
      return topics.flatMap((spec) => topicFaults(spec, found.get(spec.name), copies));
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
    session.cut(new Error('the admin was closed'));
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
      session.cut(new Error('the admin client was given up'));
      session.admin.disconnect().catch(() => undefined);
      throw new Fault('kafka-unavailable', 'wait', whyNot(error, this.connection), { cause: error });
    }
  }

  #open(): Session {
    const sockets = new Sockets();
    const requestMs = Math.ceil(this.#deadlineMs / 2);
    const config = clientConfig(this.connection, { requestMs, socketFactory: sockets.factory, log: this.options.log });
    const admin = new Kafka(config).admin({ retry: RETRY });
    const door = new Brokers(this.connection, { answerMs: requestMs, needed: [], random: systemRandom });
    const cut = (because: Error): void => {
      sockets.cut(because);
      door.close();
    };
    return { admin, cut, connected: Promise.all([this.#tried(door), admin.connect()]) };
  }

  /** kafkajs knocks for seconds, or for ever, where it is not let in, and does not always say why: we ask ourselves too. */
  async #tried(door: Brokers): Promise<void> {
    try {
      await door.leaders([]);
    } catch (error) {
      if (troubleOf(error, this.connection) !== undefined) throw error; // whatever else there is may pass
    } finally {
      door.close();
    }
  }
}

const always = (): boolean => true;
const isRetriable = (error: unknown): boolean => (error as { retriable?: unknown }).retriable === true;

/** Said aloud for each topic: a broker's defaults may change under it. */
const safety = (copies: number): Readonly<Record<string, string>> => ({
  'min.insync.replicas': String(insyncOf(copies)),
  'unclean.leader.election.enable': 'false',
});

async function topicsAsFound(admin: KafkajsAdmin, names: string[]): Promise<ReadonlyMap<string, TopicFound>> {
  if (names.length === 0) return new Map();
  const { topics } = await admin.fetchTopicMetadata({ topics: names });
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: names.map((name) => ({ type: TOPIC_RESOURCE, name, configNames: [...CHECKED_SETTINGS] })),
  });
  const settings = new Map(
    resources.map(({ resourceName, configEntries }) => [
      resourceName,
      new Map(configEntries.map(({ configName, configValue }) => [configName, configValue])),
    ]),
  );
  return new Map(
    topics.map(({ name, partitions }) => [
      name,
      {
        partitions: partitions.length,
        copies: Math.min(...partitions.map(({ replicas }) => replicas.length)),
        settings: settings.get(name) ?? new Map(),
      },
    ]),
  );
}
