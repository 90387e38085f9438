import { databaseUrl, type Address, type DatabaseRole } from './database.js';
import type { KafkaListener } from './kafka.js';
import { freePort } from './ports.js';
import { TcpProxy } from './tcp-proxy.js';

export const LOOPBACK = '127.0.0.1';

/** Where the servers are: plain data, so that other processes can be told. */
export interface Place {
  readonly postgres: Address;
  /** The only broker, or the first. */
  readonly kafka: Address;
  readonly moreKafkas?: readonly Address[];
}

/** The way to the servers. */
export interface Route {
  databaseUrl(role: DatabaseRole, database?: string): string;
  readonly kafkaBrokers: readonly string[];
}

/** One client's way to the servers, which can be broken without the others noticing. */
export interface Link extends Route {
  readonly postgres: TcpProxy;
  readonly kafka: TcpProxy;
}

export const routeTo = ({ postgres, kafka, moreKafkas = [] }: Place): Route => ({
  databaseUrl: (role, database) => databaseUrl(postgres, role, database),
  kafkaBrokers: [kafka, ...moreKafkas].map(({ host, port }) => `${host}:${port}`),
});

/** The links of a stack, by the names of the clients they are for. */
export class Links {
  readonly #links = new Map<string, Link>();

  constructor(private readonly place: Place) {}

  /** @returns the listeners that Kafka must have behind them */
  async open(names: readonly string[]): Promise<readonly KafkaListener[]> {
    const listeners: KafkaListener[] = [];
    for (const name of names) {
      const behind = await freePort();
      const postgres = new TcpProxy(this.place.postgres, await freePort());
      const kafka = new TcpProxy({ ...this.place.kafka, port: behind }, await freePort());
      await postgres.start();
      await kafka.start();
      const [toPostgres, toKafka] = [postgres, kafka].map(({ port }) => ({ host: LOOPBACK, port })) as [
        Address,
        Address,
      ];
      this.#links.set(name, { ...routeTo({ postgres: toPostgres, kafka: toKafka }), postgres, kafka });
      listeners.push({ name: name.toUpperCase(), port: behind, advertisedPort: kafka.port });
    }
    return listeners;
  }

  get(name: string): Link {
    const link = this.#links.get(name);
    if (link === undefined) throw new Error(`no link "${name}", only: ${[...this.#links.keys()].join(', ') || 'none'}`);
    return link;
  }

  async close(): Promise<void> {
    for (const { postgres, kafka } of this.#links.values()) await Promise.all([postgres.stop(), kafka.stop()]);
  }
}
