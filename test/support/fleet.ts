import { freePort } from '@tradesense/local';

import { Haproxy, type Backend } from './haproxy.js';
import { Processes, type Launch, type ServiceProcess } from './processes.js';
import { launchesOf, type Ground } from './system.js';
import { tokensIn } from './tokens.js';

export interface FleetOptions {
  /** How many run at once from the start. */
  readonly gateways: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** As many as the example configuration knows. */
const MOST = 3;

/** Gateways behind HAProxy, as processes. Those that do not run yet have their place there. */
export class Fleet {
  readonly processes = new Processes();
  readonly #gateways: ServiceProcess[] = [];
  #haproxy: Haproxy | undefined;

  private constructor(
    private readonly launches: readonly Launch[],
    private readonly backends: readonly Backend[],
  ) {}

  static async start(ground: Ground, { gateways, env = {} }: FleetOptions): Promise<Fleet> {
    const backends: Backend[] = [];
    for (let count = 0; count < MOST; count += 1)
      backends.push({ port: await freePort(), adminPort: await freePort() });
    const launches = backends.map(({ port, adminPort }, index) => {
      const ports = { trade: 0, gateway: port, dashboard: 0 };
      const own = { TRUSTED_PROXIES: '127.0.0.1', ADMIN_PORT: String(adminPort), ...env };
      return { ...launchesOf(ground, ports, { env: { gateway: own } }).gateway, name: `gateway-${index + 1}` };
    });
    const fleet = new Fleet(launches, backends);
    try {
      await Promise.all(launches.slice(0, gateways).map((_, index) => fleet.#startGateway(index + 1)));
      fleet.#haproxy = await Haproxy.start(backends);
      for (let nth = 1; nth <= MOST; nth += 1) await fleet.haproxy.sees(nth, nth <= gateways ? 'UP' : 'DOWN');
    } catch (error) {
      await fleet.stop().catch(() => undefined); // the first fault is the one to be seen
      throw error;
    }
    return fleet;
  }

  get haproxy(): Haproxy {
    if (this.#haproxy === undefined) throw new Error('HAProxy was not started');
    return this.#haproxy;
  }
  /** Where clients go. */
  get url(): string {
    return `ws://127.0.0.1:${this.haproxy.port}`;
  }

  gateway(nth: number): ServiceProcess {
    const gateway = this.#gateways[nth - 1];
    if (gateway === undefined) throw new Error(`gateway-${nth} was not started`);
    return gateway;
  }

  /** Another one, or one that has ended anew. Resolves when clients are sent to it. */
  async add(nth: number): Promise<void> {
    await this.#startGateway(nth);
    await this.haproxy.sees(nth, 'UP');
  }

  async connectionsOf(nth: number): Promise<number> {
    return (await this.gateway(nth).metric('tradesense_gateway_connections')) ?? NaN;
  }

  async stop(): Promise<void> {
    try {
      await this.processes.stop();
    } finally {
      await this.#haproxy?.stop();
    }
    const logged = tokensIn([...this.processes.lines, ...(this.#haproxy?.lines ?? [])]);
    if (logged.length > 0) throw new Error(`a token is in the logs:\n${logged.join('\n')}`);
  }

  async #startGateway(nth: number): Promise<void> {
    const launch = this.launches[nth - 1];
    if (launch === undefined) throw new RangeError(`there are ${this.backends.length} places`);
    this.#gateways[nth - 1] = await (await this.processes.start(launch)).ready();
  }
}
