import { GATEWAY_NODE_FLAGS, TRADE_NODE_OPTIONS, freePort, type DatabaseRole } from '@tradesense/local';

import { Processes, type Launch, type ServiceProcess } from './processes.js';
import { JWT_SECRET, tokens, tokensIn } from './tokens.js';
import { TradeApi } from './trade-api.js';

/** Where services stand: a database and topics of their own, on servers that may be shared. */
export interface Ground {
  databaseUrl(role: DatabaseRole): string;
  readonly brokers: readonly string[];
  readonly topicPrefix: string;
}

export type ServiceName = 'trade' | 'relay' | 'gateway' | 'dashboard';

export interface SystemOptions {
  /** Which services run; without the dashboard, unless it is named. */
  readonly services?: readonly ServiceName[];
  /** Settings beside those that every test gives. */
  readonly env?: Partial<Record<ServiceName, Readonly<Record<string, string>>>>;
  /** A built module that runs before it. */
  readonly preload?: Partial<Record<ServiceName, string>>;
  /** Another build of it than the product's. */
  readonly entry?: Partial<Record<ServiceName, string>>;
  /** What the dashboard tells pages to connect to, where a proxy stands in between. */
  readonly pageGatewayUrl?: string;
}

const ENTRY: Record<ServiceName, string> = {
  trade: 'services/trade/dist/main.js',
  relay: 'services/relay/dist/main.js',
  gateway: 'services/gateway/dist/main.js',
  dashboard: 'services/dashboard/dist/server/main.js',
};
/** Short, so that a test that kills the leader does not wait the 10 s of production for the next one. */
const LEASE_MS = 2_000;

/**
 * The product as processes: built services with a complete environment, on ports that stay theirs over a restart.
 */
export class System {
  readonly processes = new Processes();
  readonly #running = new Map<ServiceName, ServiceProcess>();

  private constructor(
    private readonly launches: Readonly<Record<ServiceName, Launch>>,
    private readonly ports: Readonly<Record<'trade' | 'gateway' | 'dashboard', number>>,
    /** A caller with the token of the platform's services. */
    readonly api: TradeApi,
  ) {}

  static async start(ground: Ground, options: SystemOptions = {}): Promise<System> {
    const ports = { trade: await freePort(), gateway: await freePort(), dashboard: await freePort() };
    const launches = launchesOf(ground, ports, options);
    const api = new TradeApi(`http://127.0.0.1:${ports.trade}`, await tokens.service());
    const system = new System(launches, ports, api);
    const services = options.services ?? ['trade', 'relay', 'gateway'];
    const started = await Promise.allSettled(services.map((name) => system.start(name)));
    const fault = started.find((outcome) => outcome.status === 'rejected');
    if (fault !== undefined) {
      await system.stop().catch(() => undefined); // the first fault is the one to be seen
      throw fault.reason;
    }
    return system;
  }

  get tradeUrl(): string {
    return `http://127.0.0.1:${this.ports.trade}`;
  }
  get gatewayUrl(): string {
    return `ws://127.0.0.1:${this.ports.gateway}`;
  }
  get gatewayPort(): number {
    return this.ports.gateway;
  }
  get dashboardUrl(): string {
    return `http://127.0.0.1:${this.ports.dashboard}`;
  }

  /** The one that runs, or ran last, under this name. */
  service(name: ServiceName): ServiceProcess {
    const service = this.#running.get(name);
    if (service === undefined) throw new Error(`${name} was not started`);
    return service;
  }

  /** Starts it, also again after a kill: same port, same settings. Resolves when it is ready. */
  async start(name: ServiceName): Promise<ServiceProcess> {
    return (await this.begin(name)).ready();
  }

  /** The same for one that will not be ready. */
  async begin(name: ServiceName): Promise<ServiceProcess> {
    const service = await this.processes.start(this.launches[name]);
    this.#running.set(name, service);
    return service;
  }

  /** SIGKILL, and at once another one, as a supervisor would. */
  async killAndRespawn(...names: readonly ServiceName[]): Promise<void> {
    await Promise.all(names.map((name) => this.service(name).kill()));
    await Promise.all(names.map((name) => this.start(name)));
  }

  /** Lines of any service's log in which a token, or the key they are signed with, can be read. */
  tokensLogged(): readonly string[] {
    return tokensIn(this.processes.lines);
  }

  /** Ends all of it in order. Whatever the test was about, no service may have logged a token. */
  async stop(): Promise<void> {
    await this.processes.stop();
    const logged = this.tokensLogged();
    if (logged.length > 0) throw new Error(`a token is in the logs:\n${logged.join('\n')}`);
  }
}

/** How each service is started; a port of a service that is not wanted may be anything. */
export function launchesOf(
  ground: Ground,
  ports: Readonly<Record<'trade' | 'gateway' | 'dashboard', number>>,
  { env = {}, preload = {}, entry = {}, pageGatewayUrl }: SystemOptions,
): Record<ServiceName, Launch> {
  const common = { LOG_LEVEL: 'info', ADMIN_HOST: '127.0.0.1', ADMIN_PORT: '0', STOP_MS: '10000' };
  const token = { JWT_SECRET, JWT_ISSUER: 'tradesense', JWT_AUDIENCE: 'tradesense', JWT_USER_CLAIM: 'sub' };
  const kafka = { KAFKA_BROKERS: ground.brokers.join(','), TOPIC_PREFIX: ground.topicPrefix };
  const origins = {
    ALLOWED_ORIGINS: `http://localhost:${ports.dashboard},http://127.0.0.1:${ports.dashboard}`,
  };
  const settings: Record<ServiceName, Record<string, string>> = {
    trade: {
      ...token,
      ...origins,
      NODE_OPTIONS: TRADE_NODE_OPTIONS,
      DATABASE_URL: ground.databaseUrl('trade'),
      TRADE_HOST: '::',
      TRADE_PORT: String(ports.trade),
    },
    relay: {
      ...kafka,
      ...token,
      DATABASE_URL: ground.databaseUrl('relay'),
      LEASE_MS: String(LEASE_MS),
      SAVE_MS: '1000',
      WATERMARK_MS: '1000',
    },
    gateway: {
      ...kafka,
      ...token,
      ...origins,
      GATEWAY_HOST: '::',
      GATEWAY_PORT: String(ports.gateway),
      ALLOW_QUERY_TOKEN: 'on',
      MAX_CONNECTIONS_PER_USER: '10',
      MAX_CONNECTIONS_PER_ADDRESS: '100',
      MAX_CONNECTIONS: '20000',
      ADMISSION_PER_S: '500',
      STALE_MS: '10000',
    },
    dashboard: {
      DASHBOARD_HOST: '::',
      DASHBOARD_PORT: String(ports.dashboard),
      GATEWAY_URL: pageGatewayUrl ?? `ws://127.0.0.1:${ports.gateway}`,
      TRADE_URL: `http://127.0.0.1:${ports.trade}`,
    },
  };
  const launch = (name: ServiceName): Launch => ({
    name,
    entry: entry[name] ?? ENTRY[name],
    ...(name === 'gateway' ? { flags: GATEWAY_NODE_FLAGS } : {}),
    env: { ...common, ...settings[name], ...env[name] },
    ...(preload[name] === undefined ? {} : { preload: preload[name] }),
  });
  return { trade: launch('trade'), relay: launch('relay'), gateway: launch('gateway'), dashboard: launch('dashboard') };
}
