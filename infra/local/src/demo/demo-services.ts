import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { GATEWAY_NODE_FLAGS, TRADE_NODE_OPTIONS } from '../node-options.js';
import { noteServer } from '../folders.js';
import { KeptProcess } from '../process/kept-process.js';
import { until } from '../process/until.js';
import type { Stack } from '../stack.js';
import type { Ports } from './demo-ports.js';

interface Plan {
  readonly name: string;
  /** For Node.js. */
  readonly flags?: readonly string[];
  readonly entry: string;
  readonly adminPort: number;
  readonly env: Readonly<Record<string, string>>;
}

const READY_WITHIN_MS = 60_000;

function plansOf({ databaseUrl, kafkaBrokers }: Stack, ports: Ports, secret: string): readonly Plan[] {
  const tokens = { JWT_SECRET: secret };
  const kafka = { KAFKA_BROKERS: kafkaBrokers.join(',') };
  const origins = {
    ALLOWED_ORIGINS: ['localhost', '127.0.0.1'].map((host) => `http://${host}:${ports.DASHBOARD_PORT}`).join(','),
  };
  return [
    {
      name: 'trade',
      entry: 'services/trade/dist/main.js',
      adminPort: ports.TRADE_ADMIN_PORT,
      env: {
        ...tokens,
        ...origins,
        NODE_OPTIONS: TRADE_NODE_OPTIONS,
        DATABASE_URL: databaseUrl('trade'),
        TRADE_PORT: `${ports.TRADE_PORT}`,
      },
    },
    {
      name: 'relay',
      entry: 'services/relay/dist/main.js',
      adminPort: ports.RELAY_ADMIN_PORT,
      env: { ...tokens, ...kafka, DATABASE_URL: databaseUrl('relay') },
    },
    {
      name: 'gateway',
      flags: GATEWAY_NODE_FLAGS,
      entry: 'services/gateway/dist/main.js',
      adminPort: ports.GATEWAY_ADMIN_PORT,
      env: { ...tokens, ...kafka, ...origins, GATEWAY_PORT: `${ports.GATEWAY_PORT}` },
    },
    {
      name: 'dashboard',
      entry: 'services/dashboard/dist/server/main.js',
      adminPort: ports.DASHBOARD_ADMIN_PORT,
      env: {
        DASHBOARD_PORT: `${ports.DASHBOARD_PORT}`,
        GATEWAY_URL: `ws://localhost:${ports.GATEWAY_PORT}`,
        TRADE_URL: `http://localhost:${ports.TRADE_PORT}`,
      },
    },
  ];
}

export interface DemoServices {
  readonly processes: readonly KeptProcess[];
  stop(): Promise<void>;
}

/** Starts the four services beside a stack; their output goes to `logs`. Resolves when all are ready; after a failure none is left. */
export async function startServices(
  stack: Stack,
  { ports, secret, repository, logs }: { ports: Ports; secret: string; repository: string; logs: string },
): Promise<DemoServices> {
  rmSync(logs, { recursive: true, force: true });
  mkdirSync(logs, { recursive: true });
  const processes: KeptProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(processes.map((process) => process.stop()));
  };
  try {
    const plans = plansOf(stack, ports, secret);
    for (const { name, flags = [], entry, env, adminPort } of plans) {
      const service = await KeptProcess.start({
        name,
        command: process.execPath,
        args: [...flags, entry],
        cwd: repository,
        env: { PATH: process.env['PATH'], ADMIN_PORT: `${adminPort}`, ...env },
        output: { file: join(logs, `${name}.log`) },
      });
      processes.push(service);
      noteServer(stack.folder, service.identity);
    }
    await Promise.all(plans.map(({ name, adminPort }, index) => isReady(name, adminPort, processes[index]!, logs)));
    return { processes, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

const isReady = (name: string, adminPort: number, process: KeptProcess, logs: string): Promise<true> =>
  until(
    async () => {
      const { ok } = await fetch(`http://127.0.0.1:${adminPort}/readyz`, { signal: AbortSignal.timeout(2_000) });
      return ok || undefined;
    },
    {
      what: `waiting for ${name} (its log is ${join(logs, `${name}.log`)})`,
      withinMs: READY_WITHIN_MS,
      everyMs: 100,
      given: () =>
        process.exit === undefined ? undefined : `it ended with ${process.exit.code ?? process.exit.signal}`,
    },
  );
