import type { TopicSpec } from '@tradesense/contracts';
import { Fault, systemClock, type Clock, type Logger } from '@tradesense/platform';
import type { Producer, RecordMetadata } from 'kafkajs';
import { atMost, inTime } from '../bounds.js';
import { Outgoings, type OutgoingTopic } from '../outgoing.js';
import type { Ends, KafkaConnection, Publisher, TopicRecords } from '../port.js';
import { clientConfig, Kafka, RETRY } from './library.js';
import { Sockets } from './sockets.js';

/**
 * What the publisher promises (see `Publisher` in the port) kafkajs's idempotent producer does not keep by itself:
 *
 *   K1  after a rejection it takes its sequence numbers back although the broker may have stored the records; the next batch of the
 *       same size is then taken for a duplicate and vanishes. So a producer object that rejected, or was given up, is never used again.
 *   K2  two sends at once can exchange their numbers. So there is one at a time, and a second is refused.
 *   K3  it may resolve without having sent to a partition whose leader moved. So the acknowledged partitions are compared
 *       with those sent.
 *   K5  it can't be cancelled and may send minutes later. So each object has sockets of its own, cut when it is given up.
 */
export interface PublisherOptions {
  /** All topics that will be sent to: a key's partition comes from the count configured here, never from metadata (pitfall K10). */
  readonly topics: readonly Pick<TopicSpec, 'name' | 'partitions'>[];
  /** How long a send may take, connecting included, before its outcome is called unknown. */
  readonly deadlineMs?: number;
  readonly log?: Logger;
  readonly clock?: Clock;
}

const DEADLINE_MS = 10_000;
const CLOSE_MS = 500;

/** The broker's answers that blame the records themselves: sent again they fail again. */
const REFUSALS: ReadonlySet<string> = new Set([
  'CORRUPT_MESSAGE',
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_TIMESTAMP',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  'INVALID_RECORD',
]);

export interface Session {
  readonly producer: Pick<Producer, 'connect' | 'sendBatch' | 'disconnect'>;
  readonly sockets: Pick<Sockets, 'cut'>;
  isConnected: boolean;
}

export class KafkaPublisher implements Publisher {
  readonly #outgoings: Outgoings;
  readonly #deadlineMs: number;
  readonly #clock: Clock;
  readonly #openSession: () => Session;
  #session: Session | undefined;
  #isSending = false;
  #isClosed = false;

  /** @param openSession for tests of what kafkajs does wrong */
  constructor(connection: KafkaConnection, options: PublisherOptions, openSession?: () => Session) {
    this.#outgoings = new Outgoings(new Map(options.topics.map(({ name, partitions }) => [name, partitions])));
    this.#deadlineMs = options.deadlineMs ?? DEADLINE_MS;
    this.#clock = options.clock ?? systemClock;
    this.#openSession = openSession ?? (() => openKafkaSession(connection, this.#deadlineMs, options.log));
  }

  async send(batches: readonly TopicRecords[], signal?: AbortSignal): Promise<Ends> {
    if (this.#isClosed) throw new Fault('publisher-closed', 'stop', 'the publisher is closed');
    if (this.#isSending) throw new Fault('publish-misuse', 'stop', 'a send is outstanding: one at a time');
    const outgoing = this.#outgoings.of(batches);
    if (outgoing.length === 0) return new Map();
    if (signal?.aborted === true) throw unclear('given up before it was sent');
    this.#isSending = true;
    const session = (this.#session ??= this.#openSession());
    try {
      const patience = { ms: this.#deadlineMs, clock: this.#clock, signal };
      const acknowledged = await inTime(publish(session, outgoing, this.#deadlineMs), patience, () =>
        unclear(signal?.aborted === true ? 'given up by the caller' : `no outcome within ${this.#deadlineMs} ms`),
      );
      return endsOf(outgoing, acknowledged);
    } catch (error) {
      this.#abandon(session);
      throw faultFor(error);
    } finally {
      this.#isSending = false;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const session = this.#session;
    if (session === undefined) return;
    this.#session = undefined;
    if (!this.#isSending)
      await atMost(
        CLOSE_MS,
        session.producer.disconnect().catch(() => undefined),
      );
    session.sockets.cut(new Error('the publisher was closed'));
  }

  #abandon(session: Session): void {
    if (this.#session === session) this.#session = undefined;
    session.sockets.cut(new Error('the producer was given up'));
    session.producer.disconnect().catch(() => undefined);
  }
}

async function publish(
  session: Session,
  outgoing: readonly OutgoingTopic[],
  timeoutMs: number,
): Promise<RecordMetadata[]> {
  if (!session.isConnected) {
    await session.producer.connect();
    session.isConnected = true;
  }
  const topicMessages = outgoing.map(({ topic, records }) => ({
    topic,
    messages: records.map(([partition, { key, value, headers }]) => ({
      key,
      value,
      headers: { ...headers },
      partition,
    })),
  }));
  return session.producer.sendBatch({ topicMessages, acks: -1, timeout: timeoutMs });
}

/** @throws Fault when a partition that was sent to is not among the acknowledged (K3) */
function endsOf(outgoing: readonly OutgoingTopic[], acknowledged: readonly RecordMetadata[]): Ends {
  const ends = new Map<string, ReadonlyMap<number, bigint>>();
  for (const { topic, records } of outgoing) {
    const counts = new Map<number, number>();
    for (const [partition] of records) counts.set(partition, (counts.get(partition) ?? 0) + 1);
    const ofTopic = [...counts].map(([partition, count]) => {
      return [partition, baseOf(acknowledged, topic, partition) + BigInt(count)] as const;
    });
    ends.set(topic, new Map(ofTopic));
  }
  return ends;
}

function baseOf(acknowledged: readonly RecordMetadata[], topic: string, partition: number): bigint {
  const bases = acknowledged
    .filter((one) => one.topicName === topic && one.partition === partition && one.errorCode === 0)
    .map(({ baseOffset }) => BigInt(baseOffset ?? -1))
    .filter((base) => base >= 0n);
  if (bases.length === 0) throw unclear(`${topic}[${partition}] is missing among the acknowledged`);
  // Twice when the leader moved between attempts: the records are stored twice, and the later end covers both.
  return bases.reduce((one, other) => (other > one ? other : one));
}

const unclear = (what: string, cause?: unknown): Fault =>
  new Fault('publish-unclear', 'wait', what, cause === undefined ? {} : { cause });

/** Total. What kafkajs throws besides the broker's refusals is waited out: the records were checked before (`Outgoings`). */
function faultFor(error: unknown): Fault {
  if (error instanceof Fault) return error;
  for (let cause: unknown = error; cause instanceof Error; cause = cause.cause) {
    const { type } = cause as { type?: unknown };
    if (typeof type === 'string' && REFUSALS.has(type)) {
      return new Fault('record-refused', 'park', `the broker refused a record: ${type}`, { cause: error });
    }
  }
  return unclear(error instanceof Error ? error.message : String(error), error);
}

function openKafkaSession(connection: KafkaConnection, deadlineMs: number, log: Logger | undefined): Session {
  const sockets = new Sockets();
  const requestMs = Math.ceil(deadlineMs / 2); // a lost reply leaves time for one more attempt
  const kafka = new Kafka(clientConfig(connection, { requestMs, socketFactory: sockets.factory, log }));
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    retry: RETRY,
    createPartitioner:
      () =>
      ({ message }) =>
        message.partition as number,
  });
  return { producer, sockets, isConnected: false };
}
