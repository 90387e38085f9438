import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { DEVELOPMENT_SECRET } from '@tradesense/platform';

import { cacheFolder, claimFolder } from '../folders.js';
import { startStack, type Stack } from '../stack.js';
import { curlLine, pageAddress } from './address.js';
import { choosePorts, type Ports } from './demo-ports.js';
import { startServices, type DemoServices } from './demo-services.js';
import { DemoTrader } from './trader.js';

export interface DemoOptions {
  readonly repository: string;
  /** Where data and logs are kept; absent: a place of this checkout's own. */
  readonly folder?: string;
  readonly engine: 'native' | 'docker';
  readonly fresh: boolean;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** Told the page's address as soon as there is one. */
  readonly onPage: (address: string) => void;
}

/** Kept data of one checkout: another checkout has its own. */
export const demoFolder = (repository: string): string =>
  join(cacheFolder(), `demo-${createHash('sha256').update(repository).digest('hex').slice(0, 12)}`);

/** What a start fails with that the signal has ended: nothing is wrong. */
const interrupted = (): Error => new Error('interrupted');

/** Ends what a dead run has left, so that its ports are free before they are looked at, and empties the data if asked to. */
async function takeOver({ repository, folder = demoFolder(repository), fresh, engine }: DemoOptions): Promise<void> {
  await claimFolder(folder);
  const docker = engine === 'docker' ? await import('../docker/engine.js') : undefined;
  await docker?.sweepContainers();
  if (!fresh) return;
  await docker?.removeVolumes(folder);
  rmSync(folder, { recursive: true, force: true });
}

async function prepared(
  { repository, folder = demoFolder(repository), engine, say, signal }: DemoOptions,
  ports: Pick<Ports, 'POSTGRES_PORT' | 'KAFKA_PORT'>,
): Promise<Stack> {
  say('Starting PostgreSQL and Kafka');
  const stack = await startStack({
    engine,
    folder,
    ports: { postgres: ports.POSTGRES_PORT, kafka: ports.KAFKA_PORT },
    signal,
  }).catch((error: unknown) => {
    throw signal.aborted ? interrupted() : error;
  });
  if (signal.aborted) {
    await stack.stop();
    throw interrupted();
  }
  return stack;
}

const aborted = (signal: AbortSignal): Promise<'stop'> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve('stop');
    else signal.addEventListener('abort', () => resolve('stop'), { once: true });
  });

/** PostgreSQL and Kafka alone, until the signal. */
export async function runStack(options: DemoOptions): Promise<void> {
  await takeOver(options);
  const choice = await choosePorts(process.env, ['POSTGRES_PORT', 'KAFKA_PORT']);
  if (!choice.ok) throw new Error(choice.faults.join('\n'));
  const stack = await prepared(options, choice.ports);
  const urls = (['migrator', 'trade', 'relay'] as const).map(
    (role) => `  ${role.padEnd(9)} ${stack.databaseUrl(role)}`,
  );
  options.say(`\nReady. Ctrl-C stops both.\n\n${urls.join('\n')}\n  Kafka     ${stack.kafkaBrokers.join(',')}\n`);
  await aborted(options.signal);
  options.say('\nStopping');
  await stack.stop();
}

/** The whole product and somebody who trades, until the signal or until a part of it ends by itself. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { repository, say, signal } = options;
  await takeOver(options);
  const choice = await choosePorts(process.env);
  if (!choice.ok) throw new Error(choice.faults.join('\n'));
  const { ports } = choice;
  choice.moved.forEach(say);
  const stack = await prepared(options, ports);
  const logs = join(stack.folder, 'logs');
  let services: DemoServices | undefined;
  const trading = new AbortController();
  let traded: Promise<void> | undefined;
  try {
    say('Starting trade, relay, gateway and dashboard');
    services = await startServices(stack, { ports, secret: DEVELOPMENT_SECRET, repository, logs });
    traded = trade(options, ports, logs, trading.signal);
    const ended = services.processes.map(({ name, exited }) =>
      exited.then(({ code, signal: by }) => `${name} ended with ${code ?? by}`),
    );
    const why = await Promise.race([aborted(signal), ...ended]);
    if (why !== 'stop') throw new Error(`${why}; its log is in ${logs}`);
    say('\nStopping');
  } finally {
    trading.abort();
    await traded;
    await services?.stop();
    await stack.stop();
  }
}

function trade({ say, onPage }: DemoOptions, ports: Ports, logs: string, signal: AbortSignal): Promise<void> {
  const addresses = {
    pageUrl: `http://localhost:${ports.DASHBOARD_PORT}`,
    tradeUrl: `http://localhost:${ports.TRADE_PORT}`,
    secret: DEVELOPMENT_SECRET,
  };
  let troubles = 0;
  const trader = new DemoTrader({
    tradeUrl: addresses.tradeUrl,
    secret: DEVELOPMENT_SECRET,
    onChallenge: (id) => {
      const page = pageAddress(addresses, id);
      onPage(page);
      say(
        `\nReady. A demo trade is posted every second or two; Ctrl-C stops everything.\n\n  Page  ${page}\n\n  API   ${addresses.tradeUrl}\n\n  Try   ${curlLine(addresses, id)}\n\n  Logs  ${logs}\n`,
      );
    },
    onTrouble: (what) => {
      troubles += 1;
      if (troubles <= 5) say(`The demo's trader: ${what}; trying again`);
    },
  });
  return trader.trade(signal);
}
