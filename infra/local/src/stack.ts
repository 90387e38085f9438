import { rmSync } from 'node:fs';
import { join } from 'node:path';

import { DEFAULT_TOPIC_PREFIX } from '@tradesense/contracts';

import { cloneDatabase, makeRolesAndDatabase, migrate, type Address } from './database.js';
import type { Engine, Plan } from './engine.js';
import { claimFolder, noteServer, ownFolder, releaseFolder } from './folders.js';
import type { KafkaDoor, KafkaListener, KafkaListeners } from './kafka.js';
import { LOOPBACK, Links, routeTo, type Link, type Place, type Route } from './links.js';
import { nativeEngine } from './native/engine.js';
import { freePort } from './ports.js';
import type { Server } from './server.js';
import { ensureTopics } from './topics.js';

export interface StackOptions {
  /** Processes of this machine, or containers. Default `native`. */
  readonly engine?: 'native' | 'docker';
  /** Where data is kept from one start to the next. Absent: in a temporary folder that goes with the stack. */
  readonly folder?: string;
  /** Absent: free ones. */
  readonly ports?: { readonly postgres: number; readonly kafka: number };
  /** How many brokers Kafka has; more than one as processes of this machine only, and without links. Default 1. */
  readonly brokers?: number;
  /** Ways into Kafka beside the plain one, by names of letters only. */
  readonly doors?: Readonly<Record<string, KafkaDoor>>;
  /** Passwords of those who may log in by SCRAM, by their names. */
  readonly kafkaUsers?: Readonly<Record<string, string>>;
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
  /** Ends a start that is under way, which then fails; later it does nothing. */
  readonly signal?: AbortSignal;
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
  /** All of it. */
  readonly kafka: Server;
  /** Its brokers: node 1 comes first. */
  readonly kafkas: readonly Server[];
  /** As `kafkaBrokers`, by another door. */
  brokersBehind(door: string): readonly string[];
  /** Whether the database has the services' tables. */
  readonly isMigrated: boolean;
  link(name: string): Link;
  /** Ends all that was started; temporary data goes, kept data stays. May be called twice. */
  stop(): Promise<void>;
}

export const serversAt = (place: Place): Servers => {
  const route = routeTo(place);
  return {
    ...route,
    cloneDatabase: (name) => cloneDatabase(place.postgres, name),
    makeTopics: (prefix) => ensureTopics(route.kafkaBrokers, prefix),
  };
};

/** Starts both servers, roles, database, tables and topics. What was started when something fails is stopped again. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { engine: kind = 'native', durable = true, migrated = true, topicPrefix = DEFAULT_TOPIC_PREFIX } = options;
  const brokers = options.brokers ?? 1;
  if (brokers > 1 && (options.links ?? []).length > 0)
    throw new Error('a link leads to one broker, and there are several');
  const isKept = options.folder !== undefined;
  const folder = options.folder ?? ownFolder();
  await claimFolder(folder);
  // Only where it is wanted: Docker's client takes a second to load.
  const docker = kind === 'docker' ? await import('./docker/engine.js') : undefined;
  const host = (await docker?.dockerHost()) ?? LOOPBACK;
  const moreKafkas = await Promise.all(
    Array.from({ length: brokers - 1 }, async () => ({ host, port: await freePort() })),
  );
  const place: Place = {
    postgres: { host, port: options.ports?.postgres ?? (await freePort()) },
    kafka: { host, port: options.ports?.kafka ?? (await freePort()) },
    moreKafkas,
  };
  const links = new Links(place);
  let engine: Engine | undefined;
  const stop = async (): Promise<void> => {
    await links.close();
    await engine?.end();
    if (isKept) releaseFolder(folder);
    else rmSync(folder, { recursive: true, force: true });
  };
  const giveUp = () => void stop().catch(() => undefined); // the start fails by it, and says so
  options.signal?.addEventListener('abort', giveUp, { once: true });
  try {
    options.signal?.throwIfAborted();
    const proxied = await links.open(options.links ?? []);
    const waysTo = async ({ port }: Address): Promise<KafkaListeners> => [
      { name: 'DIRECT', port, advertisedPort: port },
      ...proxied,
      ...(await doorsOf(options.doors ?? {})),
    ];
    const ways = [await waysTo(place.kafka), ...(await Promise.all(moreKafkas.map(waysTo)))] as const;
    const plan: Plan = {
      folder,
      isKept,
      host,
      postgresPort: place.postgres.port,
      brokers: ways,
      kafkaUsers: options.kafkaUsers ?? {},
      durable,
      postgresSettings: options.postgres ?? {},
      kafkaSettings: options.kafka ?? {},
      onStart: (server) => noteServer(folder, server),
    };
    engine = docker === undefined ? await nativeEngine(plan) : await docker.dockerEngine(plan);
    const { postgres, kafka, kafkas } = engine;
    const servers = serversAt(place);
    const prepared = async () => {
      await postgres.start();
      await makeRolesAndDatabase(place.postgres);
      return migrated && (await migrate(place.postgres, join(folder, 'migrate.log')));
    };
    const ready = async () => {
      await kafka.start();
      if (topicPrefix !== null) await servers.makeTopics(topicPrefix);
    };
    const [isMigrated] = await Promise.all([prepared(), ready()]);
    return {
      ...servers,
      place,
      folder,
      postgres,
      kafka,
      kafkas,
      isMigrated,
      brokersBehind: (door) => brokersBehind(ways, host, door),
      link: (name) => links.get(name),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', giveUp);
  }
}

const doorsOf = (doors: Readonly<Record<string, KafkaDoor>>): Promise<KafkaListener[]> =>
  Promise.all(
    Object.entries(doors).map(async ([name, door]) => {
      const port = await freePort();
      return { name: name.toUpperCase(), port, advertisedPort: port, door };
    }),
  );

function brokersBehind(brokers: readonly KafkaListeners[], host: string, door: string): readonly string[] {
  return brokers.map((listeners) => {
    const listener = listeners.find(({ name }) => name === door.toUpperCase());
    if (listener === undefined) throw new Error(`Kafka has no door "${door}"`);
    return `${host}:${listener.advertisedPort}`;
  });
}
