import { topicsOf, type ChallengeId, type Topics, type Watermark } from '@tradesense/contracts';
import { connectPublisher, partitionOf, type Ends, type OutgoingRecord, type Publisher } from '@tradesense/kafka';

import { recordOf, type Fact, type History } from './facts.js';

const WATERMARK_MS = 200;

/**
 * Writes to Kafka what the relay would write: events and states in order, and a watermark now and then for as long as it is
 * asked to. For tests of whoever reads these topics, without the database and the relay before them.
 */
export class Feed {
  readonly #topics: Topics;
  readonly #publisher: Publisher;
  readonly #ends = new Map<string, bigint[]>();
  #sending: Promise<unknown> = Promise.resolve();
  #watermarks: NodeJS.Timeout | undefined;
  /** Partitions of which watermarks say that one more event is in Kafka than there is. */
  readonly #promised = new Set<number>();

  constructor({ brokers, topicPrefix }: { readonly brokers: readonly string[]; readonly topicPrefix: string }) {
    this.#topics = topicsOf(topicPrefix);
    const { events, state, watermarks } = this.#topics;
    this.#publisher = connectPublisher({ brokers, clientId: 'test-feed' }, { topics: [events, state, watermarks] });
    for (const { name, partitions } of [events, state])
      this.#ends.set(
        name,
        Array.from({ length: partitions }, () => 0n),
      );
  }

  /** In this order; resolves once Kafka has them. */
  async publish(...facts: readonly Fact[]): Promise<void> {
    const { events, state } = this.#topics;
    const recordsOf = (isState: boolean) =>
      facts.filter(({ type }) => (type === 'CHALLENGE_STATE') === isState).map((fact) => recordOf(fact));
    await this.send(events.name, recordsOf(false));
    await this.send(state.name, recordsOf(true));
  }

  /** Equity updates, and the state after the last one. */
  async trade(history: History, count = 1): Promise<void> {
    const events = Array.from({ length: count }, () => history.equity());
    await this.publish(...events, history.state());
  }

  /** Records as they are: also such as no relay would write. */
  async send(topic: string, records: readonly OutgoingRecord[]): Promise<void> {
    if (records.length === 0) return;
    const sent = this.#sending.then(() => this.#publisher.send([{ topic, records }]));
    this.#sending = sent.catch(() => undefined);
    this.#remember(await sent);
  }

  get topics(): Topics {
    return this.#topics;
  }

  /** From now on, several a second. */
  startWatermarks(): void {
    const write = (): void => {
      void this.#watermark();
    };
    write();
    this.#watermarks ??= setInterval(write, WATERMARK_MS);
  }

  /** As if the relay stood still. */
  stopWatermarks(): void {
    clearInterval(this.#watermarks);
    this.#watermarks = undefined;
  }

  /** As if one more event of this challenge had been published, and had got lost before anybody read it. */
  promise(challengeId: ChallengeId): void {
    this.#promised.add(partitionOf(challengeId, this.#topics.events.partitions));
  }
  /** It was published after all. */
  async redeem(fact: Fact): Promise<void> {
    await this.publish(fact);
    this.#promised.clear();
  }

  async close(): Promise<void> {
    this.stopWatermarks();
    await this.#sending;
    await this.#publisher.close();
  }

  async #watermark(): Promise<void> {
    const { events, state, watermarks } = this.#topics;
    const endsOf = (topic: string): string[] => (this.#ends.get(topic) ?? []).map(String);
    const promised = endsOf(events.name).map((end, partition) =>
      this.#promised.has(partition) ? String(BigInt(end) + 1n) : end,
    );
    const now = new Date().toISOString();
    const watermark: Watermark = {
      at: now,
      as_of: now,
      floor: '0',
      generation: 1,
      parked: [],
      ends: { events: promised, state: endsOf(state.name) },
    };
    await this.send(watermarks.name, [{ key: null, value: Buffer.from(JSON.stringify(watermark)), headers: {} }]);
  }

  #remember(ends: Ends): void {
    for (const [topic, partitions] of ends)
      for (const [partition, end] of partitions) {
        const known = this.#ends.get(topic);
        if (known !== undefined) known[partition] = end;
      }
  }
}
