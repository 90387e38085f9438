import { spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';

import { KeptProcess, freePort } from '@tradesense/local';

import { SERVER_PATH } from './debian.js';
import { inRepository } from './repository.js';
import { until } from './until.js';

/** What it is handed as `gateway-1` and so on. */
export interface Backend {
  readonly port: number;
  readonly adminPort: number;
}

const CONFIGURATION = 'infra/haproxy/haproxy.cfg';

/** What HAProxy says of the example, empty where it has nothing to say. */
export function faultsOfExample(env: Readonly<Record<string, string>>): string {
  const { status, stderr } = spawnSync('haproxy', ['-c', '-q', '-f', inRepository(CONFIGURATION)], {
    env: { PATH: SERVER_PATH, ...env },
    encoding: 'utf8',
  });
  return status === 0 ? '' : `${status}: ${stderr}`;
}

export function environmentOf(listenPort: number, backends: readonly Backend[]): Record<string, string> {
  const servers = backends.map(({ port, adminPort }, index) => ({
    [`GATEWAY_${index + 1}`]: `127.0.0.1:${port}`,
    [`GATEWAY_${index + 1}_ADMIN`]: String(adminPort),
  }));
  return Object.assign({ LISTEN: `127.0.0.1:${listenPort}` }, ...servers) as Record<string, string>;
}

/** HAProxy with the configuration that the documentation shows, and nothing else. */
export class Haproxy {
  readonly lines: string[] = [];

  private constructor(
    private readonly kept: KeptProcess,
    readonly port: number,
  ) {
    for (const stream of [kept.stdout, kept.stderr])
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.lines.push(line));
  }

  /** Listening, and sure of no gateway yet. */
  static async start(backends: readonly Backend[]): Promise<Haproxy> {
    const port = await freePort();
    const kept = await KeptProcess.start({
      name: 'haproxy',
      command: 'haproxy',
      args: ['-db', '-f', inRepository(CONFIGURATION)],
      env: { PATH: SERVER_PATH, ...environmentOf(port, backends) },
      output: 'pipe',
    });
    return new Haproxy(kept, port);
  }

  /** Until it takes, or does not take, the n-th one for ready. */
  async sees(nth: number, state: 'UP' | 'DOWN', withinMs = 20_000): Promise<void> {
    const server = `Server any_gateway/gateway-${nth} is `;
    const last = (): string | undefined => this.lines.filter((line) => line.includes(server)).at(-1);
    await until(last, (line) => (line === undefined ? state === 'UP' : line.includes(`${server}${state}`)), {
      withinMs,
      what: `HAProxy finds gateway-${nth} ${state}`,
    });
  }

  async stop(): Promise<void> {
    await this.kept.stop();
  }
}
