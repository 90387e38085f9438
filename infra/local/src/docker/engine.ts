import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { PostgreSqlContainer } from '@testcontainers/postgresql';
import pg from 'pg';
import { GenericContainer, Wait, getContainerRuntimeClient } from 'testcontainers';

import { isAlive, ownIdentity, type ProcessIdentity } from '../bootstrap/process-identity.mjs';
import { databaseUrl, login, type Address } from '../database.js';
import type { Engine, Plan } from '../engine.js';
import { CLUSTER_ID, answersKafka, brokerSettings } from '../kafka.js';
import { ContainerServer } from './container-server.js';

const POSTGRES_IMAGE = 'postgres:18-alpine';
const KAFKA_IMAGE = 'apache/kafka:4.1.0';
const READY_WITHIN_MS = 120_000;
const OWNER_LABEL = 'live.tradesense.owner';
const LOCAL_HOSTS = ['localhost', '127.0.0.1', '::1'];
/** Inside Kafka's container. */
const OWN_PORT = 9094;
const CONTROLLER_PORT = 9093;
const FIRST_LISTENER_PORT = 9100;

/** Where published ports are reached: this machine, unless the engine is elsewhere. */
export async function dockerHost(): Promise<string> {
  const { host } = (await getContainerRuntimeClient()).info.containerRuntime;
  return LOCAL_HOSTS.includes(host) ? '127.0.0.1' : host;
}

/**
 * PostgreSQL and Kafka in containers. Their keepers stop them when this process dies, and the next start removes them: no need
 * of Testcontainers' own companion, one image more that holds the engine's socket.
 */
export async function dockerEngine(plan: Plan): Promise<Engine> {
  process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
  await sweepContainers();
  const address = { host: plan.host, port: plan.postgresPort };
  const [listeners, ...more] = plan.brokers;
  if (more.length > 0 || listeners.some(({ door }) => door !== undefined))
    throw new Error('in containers there is one broker, with plain ways in only');
  const [{ port: kafkaPort }] = listeners;
  const postgres = new ContainerServer({
    name: 'PostgreSQL',
    image: postgresImage(plan),
    answers: () => answersPostgres(address),
    readyWithinMs: READY_WITHIN_MS,
    logFile: join(plan.folder, 'postgres.log'),
  });
  const kafka = new ContainerServer({
    name: 'Kafka',
    image: kafkaImage(plan),
    answers: () => answersKafka(kafkaPort, plan.host),
    readyWithinMs: READY_WITHIN_MS,
    logFile: join(plan.folder, 'kafka.log'),
  });
  return {
    postgres,
    kafka,
    kafkas: [kafka],
    end: async () => {
      // Named volumes stay. What is in them was written in order, unless nobody will read it.
      if (plan.isKept) await Promise.allSettled([postgres.stop(), kafka.stop()]);
      await Promise.all([postgres.remove(), kafka.remove()]);
    },
  };
}

/** Removes kept data. */
export async function removeVolumes(folder: string): Promise<void> {
  const { dockerode } = (await getContainerRuntimeClient()).container;
  for (const server of ['postgres', 'kafka'] as const)
    await dockerode
      .getVolume(volumeOf(folder, server))
      .remove()
      .catch((error: { statusCode?: number }) => {
        if (error.statusCode !== 404) throw error;
      });
}

function postgresImage({ folder, postgresPort, host, durable, isKept, postgresSettings }: Plan): PostgreSqlContainer {
  const { user, password } = login('postgres');
  const settings = { max_connections: '200', timezone: 'UTC', fsync: durable ? 'on' : 'off', ...postgresSettings };
  const image = new (class extends PostgreSqlContainer {
    protected override async beforeContainerCreated(): Promise<void> {
      onLoopback(this.hostConfig, host);
    }
  })(POSTGRES_IMAGE)
    .withDatabase('postgres')
    .withUsername(user)
    .withPassword(password)
    // Where the public image keeps it since PostgreSQL 18; said aloud for images that are older inside.
    .withEnvironment({ PGDATA: '/var/lib/postgresql/18/docker' })
    .withCommand(['postgres', ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])])
    .withExposedPorts({ container: 5432, host: postgresPort })
    .withLabels(ownerLabel());
  if (isKept) image.withBindMounts([{ source: volumeOf(folder, 'postgres'), target: '/var/lib/postgresql' }]);
  return image;
}

function kafkaImage({ folder, brokers: [listeners], host, isKept, kafkaSettings }: Plan): GenericContainer {
  const ports = listeners.map((listener, index) => ({ ...listener, inside: FIRST_LISTENER_PORT + index }));
  const each = (text: (listener: (typeof ports)[number]) => string) => ports.map(text).join(',');
  // The broker can't reach itself by the addresses that its clients use, so it has a listener of its own.
  const settings = {
    ...brokerSettings,
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@localhost:${CONTROLLER_PORT}`,
    listeners: `${each(({ name, inside }) => `${name}://:${inside}`)},OWN://:${OWN_PORT},CONTROLLER://:${CONTROLLER_PORT}`,
    'advertised.listeners': `${each(({ name, advertisedPort }) => `${name}://${host}:${advertisedPort}`)},OWN://localhost:${OWN_PORT}`,
    'listener.security.protocol.map': `${each(({ name }) => `${name}:PLAINTEXT`)},OWN:PLAINTEXT,CONTROLLER:PLAINTEXT`,
    'inter.broker.listener.name': 'OWN',
    'log.dirs': '/var/lib/kafka/data',
    ...kafkaSettings,
  };
  const asVariable = (name: string) => `KAFKA_${name.toUpperCase().replaceAll('.', '_')}`;
  const image = new (class extends GenericContainer {
    protected override async beforeContainerCreated(): Promise<void> {
      onLoopback(this.hostConfig, host);
    }
  })(KAFKA_IMAGE)
    .withEnvironment({
      CLUSTER_ID,
      KAFKA_HEAP_OPTS: '-Xms256m -Xmx512m',
      ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [asVariable(name), value])),
    })
    .withExposedPorts(...ports.map(({ inside, port }) => ({ container: inside, host: port })))
    .withWaitStrategy(Wait.forListeningPorts())
    .withStartupTimeout(READY_WITHIN_MS)
    .withLabels(ownerLabel());
  if (isKept) image.withBindMounts([{ source: volumeOf(folder, 'kafka'), target: '/var/lib/kafka/data' }]);
  return image;
}

/** Development passwords are no secret: the network must not reach these ports. Testcontainers would open them to all. */
function onLoopback(config: { PortBindings?: Record<string, { HostIp?: string }[]> }, host: string): void {
  if (!LOCAL_HOSTS.includes(host)) return;
  for (const bindings of Object.values(config.PortBindings ?? {}))
    for (const binding of bindings) binding.HostIp = '127.0.0.1';
}

async function answersPostgres(address: Address): Promise<true> {
  const client = new pg.Client({ connectionString: databaseUrl(address, 'postgres', 'postgres') });
  client.on('error', () => undefined);
  await client.connect();
  await client.end();
  return true;
}

const volumeOf = (folder: string, server: 'postgres' | 'kafka'): string =>
  `tradesense-${createHash('sha256').update(folder).digest('hex').slice(0, 12)}-${server}`;

interface ContainerOwner extends ProcessIdentity {
  readonly host: string;
}
const ownerLabel = (): Record<string, string> => ({
  [OWNER_LABEL]: JSON.stringify({ host: hostname(), ...ownIdentity() } satisfies ContainerOwner),
});

/** Removes containers whose owner is dead; about those of other machines we can't know. */
export async function sweepContainers(): Promise<void> {
  const { dockerode } = (await getContainerRuntimeClient()).container;
  const filters = { label: [OWNER_LABEL] };
  for (const { Id, Labels } of await dockerode.listContainers({ all: true, filters })) {
    const owner = JSON.parse(Labels[OWNER_LABEL] ?? '{}') as ContainerOwner;
    if (owner.host !== hostname() || isAlive(owner)) continue;
    await dockerode
      .getContainer(Id)
      .remove({ force: true, v: true })
      .catch(() => undefined); // somebody else's sweep has it
  }
}
