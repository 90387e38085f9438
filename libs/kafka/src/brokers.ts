import type { Random } from '@tradesense/platform';
import { Link } from './kafkajs/link.js';
import { partitionCountFault } from './partition.js';
import type { KafkaConnection } from './port.js';
import { metadataRequest, type Address, type TopicMetadata } from './protocol/metadata.js';
import { ERROR, errorName } from './protocol/request.js';

type Needed = Parameters<Link['open']>[0];
const METADATA: Needed = [metadataRequest([])];

export interface Leader {
  readonly topic: string;
  readonly partition: number;
  readonly nodeId: number;
}

export interface BrokersOptions {
  /** A broker that has not answered for so long is taken for dead. */
  readonly answerMs: number;
  /** What will be asked of leaders. */
  readonly needed: Needed;
  readonly random: Random;
}

/** The brokers of one reader or publisher: where they are, who leads what, and one link to each that is asked for more. */
export class Brokers {
  readonly #bootstrap: readonly Address[];
  readonly #links = new Map<number, Link>();
  readonly #all = new Set<Link>();
  #addresses: ReadonlyMap<number, Address> = new Map();
  #closed = false;

  constructor(
    private readonly connection: KafkaConnection,
    private readonly options: BrokersOptions,
  ) {
    this.#bootstrap = connection.brokers.map(addressOf);
  }

  /**
   * Who leads the partitions of these topics, and in words which topics are missing. A partition without leader is left out.
   * @throws Fault `partition-count` where a topic has another count than configured (pitfall K10)
   */
  async leaders(topics: readonly { readonly topic: string; readonly partitions: number }[]) {
    const all = await this.#metadata(topics.map(({ topic }) => topic));
    const missing: string[] = [];
    const leaders: Leader[] = [];
    for (const { topic, partitions } of topics) {
      const metadata = all.find((one) => one.topic === topic);
      if (metadata === undefined || metadata.errorCode !== ERROR.none) {
        missing.push(`${topic}: ${errorName(metadata?.errorCode ?? ERROR.unknownTopic)}`);
        continue;
      }
      const found = metadata.partitions.length;
      if (found !== partitions) throw partitionCountFault(topic, { found, configured: partitions });
      for (const { partition, leader } of metadata.partitions)
        if (leader >= 0) leaders.push({ topic, partition, nodeId: leader });
    }
    return { leaders, missing };
  }

  /** Asks one broker after the other, the ones met last time first, until one answers. */
  async #metadata(topics: readonly string[]): Promise<readonly TopicMetadata[]> {
    let failure: unknown = new Error('no broker is configured');
    for (const address of [...this.#shuffled([...this.#addresses.values()]), ...this.#shuffled(this.#bootstrap)]) {
      const link = this.#newLink(address);
      try {
        await link.open(METADATA);
        const { brokers, topics: found } = await link.request(metadataRequest(topics));
        if (brokers.size === 0) throw new Error('the broker knows no brokers yet');
        this.#addresses = brokers;
        return found;
      } catch (error) {
        failure = error;
      } finally {
        this.#discard(link);
      }
    }
    throw failure;
  }

  /** The open link to a broker; whoever asks for one broker does so one call at a time. */
  async link(nodeId: number): Promise<Link> {
    const known = this.#links.get(nodeId);
    if (known?.isOpen === true) return known;
    if (known !== undefined) this.#discard(known);
    const address = this.#addresses.get(nodeId);
    if (address === undefined) throw new Error(`broker ${nodeId} is not in the cluster's metadata`);
    const link = this.#newLink(address);
    this.#links.set(nodeId, link);
    await link.open(this.options.needed);
    return link;
  }

  drop(nodeId: number): void {
    const link = this.#links.get(nodeId);
    this.#links.delete(nodeId);
    if (link !== undefined) this.#discard(link);
  }

  /** Everything in flight is rejected at once. */
  close(): void {
    this.#closed = true;
    for (const link of this.#all) link.close();
    this.#all.clear();
    this.#links.clear();
  }

  #newLink(address: Address): Link {
    if (this.#closed) throw new Error('the connections were cut');
    const link = new Link(this.connection, address, this.options.answerMs);
    this.#all.add(link);
    return link;
  }

  #discard(link: Link): void {
    link.close();
    this.#all.delete(link);
  }

  #shuffled(addresses: readonly Address[]): Address[] {
    return addresses
      .map((address) => ({ address, order: this.options.random.below(1) }))
      .sort((one, other) => one.order - other.order)
      .map(({ address }) => address);
  }
}

/** `host:port`, an IPv6 address in brackets or not. */
export function addressOf(broker: string): Address {
  const colon = broker.lastIndexOf(':');
  const port = Number(broker.slice(colon + 1));
  if (colon < 1 || !Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`not a broker's host:port: ${broker}`);
  return { host: broker.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port };
}
