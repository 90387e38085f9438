import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { DEFAULT_TOPIC_PREFIX } from '@tradesense/contracts';

import type { ProcessIdentity } from './bootstrap/process-identity.mjs';
import {
  cloneDatabase,
  databaseUrl,
  makeRolesAndDatabase,
  migrate,
  type Address,
  type DatabaseRole,
} from './database.js';
import { claimFolder, noteOwnership, ownFolder } from './folders.js';
import { KafkaServer, type KafkaListener } from './kafka.js';
import { freePort } from './ports.js';
import { PostgresServer } from './postgres.js';
import type { Server } from './server.js';
import { TcpProxy } from './tcp-proxy.js';
import { ensureTopics } from './topics.js';

export interface StackOptions {
  /** Where data is kept from one start to the next. Absent: in a temporary folder that goes with the stack. */
  readonly folder?: string;
  /** Absent: free ones. */
  readonly ports?: { readonly postgres: number; readonly kafka: number };
  /** False: PostgreSQL does not wait for the disk. Not where a test is about crashes. Default true. */
  readonly durable?: boolean;
  /** Runs the trade service's migrations, if it is built. Default true. */
  readonly migrated?: boolean;
  /** Makes all topics under this prefix; null makes none. Default `tradesense.`. */
  readonly topicPrefix?: string | null;
  /** Names of clients that get a link of their own to each server, with proxies that can break it. */
  readonly links?: readonly string[];
  /** More settings of the servers, under their own names. */
  readonly postgres?: Readonly<Record<string, string>>;
  readonly kafka?: Readonly<Record<string, string>>;
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

/** Where the servers are: plain data, so that other processes can be told. */
export interface Place {
  readonly postgres: Address;
  readonly kafkaBrokers: readonly string[];
}

/** Servers that run, whoever started them. */
export interface Servers extends Route {
  /** A copy of database `tradesense`, to which nobody may be connected meanwhile. */
  cloneDatabase(name: string): Promise<void>;
  /** Makes the topics that are missing. */
  makeTopics(prefix: string): Promise<void>;
}

/** Real PostgreSQL and real Kafka. */
export interface Stack extends Servers {
  readonly place: Place;
  readonly folder: string;
  readonly postgres: Server;
  readonly kafka: Server;
  /** Whether the database has the services' tables. */
  readonly isMigrated: boolean;
  link(name: string): Link;
  /** Ends all that was started; temporary data goes, kept data stays. May be called twice. */
  stop(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';

export const serversAt = ({ postgres, kafkaBrokers }: Place): Servers => ({
  kafkaBrokers,
  databaseUrl: (role, database) => databaseUrl(postgres, role, database),
  cloneDatabase: (name) => cloneDatabase(postgres, name),
  makeTopics: (prefix) => ensureTopics(kafkaBrokers, prefix),
});

/** Starts both servers, roles, database, tables and topics. What was started when something fails is stopped again. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { durable = true, migrated = true, topicPrefix, links: linkNames = [] } = options;
  const isTemporary = options.folder === undefined;
  const folder = options.folder ?? ownFolder();
  mkdirSync(folder, { recursive: true, mode: 0o755 });
  claimFolder(folder);
  const servers: ProcessIdentity[] = [];
  const onStart = (server: ProcessIdentity) => {
    servers.push(server);
    noteOwnership(folder, servers);
  };

  const postgresAddress: Address = { host: LOOPBACK, port: options.ports?.postgres ?? (await freePort()) };
  const kafkaAddress: Address = { host: LOOPBACK, port: options.ports?.kafka ?? (await freePort()) };
  const postgres = new PostgresServer({
    folder,
    port: postgresAddress.port,
    durable,
    onStart,
    settings: options.postgres ?? {},
  });
  const links = new Map<string, Link>();
  const listeners: [KafkaListener, ...KafkaListener[]] = [
    { name: 'DIRECT', port: kafkaAddress.port, advertisedPort: kafkaAddress.port },
  ];
  const stop = async (): Promise<void> => {
    for (const link of links.values()) await Promise.all([link.postgres.stop(), link.kafka.stop()]);
    // Of temporary data nobody will want the rest: no orderly end, which takes Kafka seconds.
    await Promise.all([postgres, kafka].map((server) => (isTemporary ? server.kill() : server.stop())));
    if (isTemporary) rmSync(folder, { recursive: true, force: true });
  };
  for (const name of linkNames) {
    const behind = await freePort();
    const link = await openLink(postgresAddress, { host: LOOPBACK, port: behind });
    listeners.push({ name: name.toUpperCase(), port: behind, advertisedPort: link.kafka.port });
    links.set(name, link);
  }
  const kafka = new KafkaServer({
    folder,
    listeners,
    controllerPort: await freePort(),
    onStart,
    settings: options.kafka ?? {},
  });

  try {
    const prepared = async () => {
      await postgres.start();
      await makeRolesAndDatabase(postgresAddress);
      return migrated && (await migrate(postgresAddress, join(folder, 'migrate.log')));
    };
    const kafkaStarted = kafka.start();
    const [isMigrated] = await Promise.all([prepared(), kafkaStarted]);
    const place = { postgres: postgresAddress, kafkaBrokers: [`${LOOPBACK}:${kafkaAddress.port}`] };
    const all = serversAt(place);
    if (topicPrefix !== null) await all.makeTopics(topicPrefix ?? DEFAULT_TOPIC_PREFIX);
    return {
      ...all,
      place,
      folder,
      postgres,
      kafka,
      isMigrated,
      link: (name) => links.get(name) ?? missing(name, linkNames),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function openLink(postgresAddress: Address, kafkaAddress: Address): Promise<Link> {
  const postgres = new TcpProxy(postgresAddress, await freePort());
  const kafka = new TcpProxy(kafkaAddress, await freePort());
  await Promise.all([postgres.start(), kafka.start()]);
  return {
    postgres,
    kafka,
    databaseUrl: (role, database) => databaseUrl({ host: LOOPBACK, port: postgres.port }, role, database),
    kafkaBrokers: [`${LOOPBACK}:${kafka.port}`],
  };
}

function missing(name: string, there: readonly string[]): never {
  throw new Error(`the stack has no link "${name}", only: ${there.join(', ') || 'none'}`);
}
