import { Processes, type Launch, type ServiceProcess } from './processes.js';
import type { Ground } from './system.js';
import { JWT_SECRET } from './tokens.js';

/** A tenth of production's, so that waiting for a lease to run out takes a second. */
export const LEASE_MS = 1_000;

export interface RelayOptions {
  /** The way to the servers, where it is not everybody's. */
  readonly ground?: Pick<Ground, 'databaseUrl' | 'brokers'>;
  readonly env?: Readonly<Record<string, string>>;
  readonly preload?: Launch['preload'];
}

/** Relays as processes. */
export class Relays {
  readonly processes = new Processes();
  readonly #all: ServiceProcess[] = [];

  constructor(private readonly ground: Ground) {}

  /** Starts one; `ready()` waits until it leads or stands by. */
  async start(name = 'relay', { ground = this.ground, env = {}, preload }: RelayOptions = {}): Promise<ServiceProcess> {
    const relay = await this.processes.start({
      name,
      entry: 'services/relay/dist/main.js',
      ...(preload === undefined ? {} : { preload }),
      env: {
        ADMIN_PORT: '0',
        JWT_SECRET,
        DATABASE_URL: ground.databaseUrl('relay'),
        KAFKA_BROKERS: ground.brokers.join(','),
        TOPIC_PREFIX: this.ground.topicPrefix,
        LEASE_MS: String(LEASE_MS),
        SAVE_MS: '100',
        WATERMARK_MS: '100',
        ...env,
      },
    });
    this.#all.push(relay);
    return relay;
  }

  /** All that were ever started. */
  get all(): readonly ServiceProcess[] {
    return this.#all;
  }

  /** Whoever says that it leads. */
  async leader(): Promise<ServiceProcess | undefined> {
    for (const relay of this.#all) if (relay.isRunning && (await leads(relay))) return relay;
    return undefined;
  }
}

/** False also of one that does not answer. */
export const leads = async (relay: ServiceProcess): Promise<boolean> =>
  (await relay.metric('tradesense_relay_leader').catch(() => undefined)) === 1;
