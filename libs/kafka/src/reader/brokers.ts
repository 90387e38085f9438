import type { Random } from '@tradesense/platform';
import { Link } from '../kafkajs/link.js';
import type { KafkaConnection } from '../port.js';
import { fetchRequest } from '../protocol/fetch.js';
import { listOffsetsRequest } from '../protocol/list-offsets.js';
import { metadataRequest, type Address, type TopicMetadata } from '../protocol/metadata.js';

const METADATA = [metadataRequest([])];
const READING = [fetchRequest([], { maxWaitMs: 0, maxBytes: 0, partitionMaxBytes: 0 }), listOffsetsRequest([])];

/** The brokers of one reader: where they are, and one link to each that leads something. */
export class Brokers {
  readonly #bootstrap: readonly Address[];
  readonly #links = new Map<number, Link>();
  readonly #all = new Set<Link>();
  #addresses: ReadonlyMap<number, Address> = new Map();
  #closed = false;

  constructor(
    private readonly connection: KafkaConnection,
    private readonly answerMs: number,
    private readonly random: Random,
  ) {
    this.#bootstrap = connection.brokers.map(addressOf);
  }

  /** Asks one broker after the other, the ones met last time first, until one answers. */
  async metadata(topics: readonly string[]): Promise<readonly TopicMetadata[]> {
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

  /** The open link to a broker; one at a time, since only the broker's own loop asks. */
  async link(nodeId: number): Promise<Link> {
    const known = this.#links.get(nodeId);
    if (known?.isOpen === true) return known;
    if (known !== undefined) this.#discard(known);
    const address = this.#addresses.get(nodeId);
    if (address === undefined) throw new Error(`broker ${nodeId} is not in the cluster's metadata`);
    const link = this.#newLink(address);
    this.#links.set(nodeId, link);
    await link.open(READING);
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
    if (this.#closed) throw new Error('the reader has been stopped');
    const link = new Link(this.connection, address, this.answerMs);
    this.#all.add(link);
    return link;
  }

  #discard(link: Link): void {
    link.close();
    this.#all.delete(link);
  }

  #shuffled(addresses: readonly Address[]): Address[] {
    return addresses
      .map((address) => ({ address, order: this.random.below(1) }))
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
