import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer, type AddressInfo, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { promisify } from 'node:util';

import { topicsOf, type TopicSpec } from '@tradesense/contracts';
import {
  connectAdmin,
  connectPublisher,
  openReader,
  type Admin,
  type KafkaConnection,
  type Reader,
  type Sasl,
} from '@tradesense/kafka';
import { faultOf, type Logger } from '@tradesense/platform';
import type { Stack } from '@tradesense/local';
import kafkajs from 'kafkajs';

import { Kafka, RETRY } from '../../../libs/kafka/src/kafkajs/library.js';
import { Impostor } from '../../support/impostor.js';
import { Ear, RECORDS_PER_S, Source, breaches } from '../../support/kafka-load.js';
import { Operator } from '../../support/operator.js';
import { OutboxWriter } from '../../support/outbox-writers.js';
import { Processes, type ServiceProcess } from '../../support/processes.js';
import { RelayScene } from '../../support/relay-scene.js';
import { inRepository } from '../../support/repository.js';
import { Authority, type Certified } from '../../support/self-signed.js';
import { openStack, privateStack, type OwnGround } from '../../support/stack.js';
import { JWT_SECRET } from '../../support/tokens.js';
import { until } from '../../support/until.js';

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
/** How long a login lasts. */
const LOGIN_MS = 3_500;
const TOPIC = { name: 'events', partitions: 2, settings: {} };
const PASSWORD = 'a-password-that-no-log-may-show';
const WRONG = 'another-that-no-log-may-show-either';
const ours = new Authority();
const stranger = new Authority('somebody else');
const tls = { ca: ours.cert };
const sasl: Sasl = { mechanism: 'scram-sha-256', username: 'trusted', password: PASSWORD };

const shown = ({ key, cert }: Certified) => ({
  'ssl.keystore.type': 'PEM',
  'ssl.keystore.key': key,
  'ssl.keystore.certificate.chain': cert,
});
const login = {
  'sasl.enabled.mechanisms': 'SCRAM-SHA-256,PLAIN',
  'scram-sha-256.sasl.jaas.config': 'org.apache.kafka.common.security.scram.ScramLoginModule required;',
  'plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required user_trusted="${PASSWORD}";`,
};

/** The rights that docs/production.md gives, for topics under another prefix; and `writer` has the relay's, but for reading. */
async function giveRights(brokers: readonly string[], prefix: string): Promise<void> {
  const documented = readFileSync(inRepository('docs/production.md'), 'utf8').match(/^kafka-acls\.sh .*$/gm) ?? [];
  const [relayWrites] = documented;
  const commands = [...documented, relayWrites!.replace('User:relay', 'User:writer')];
  const acl = commands.flatMap((command) => {
    const given = (option: string): string[] =>
      [...command.matchAll(new RegExp(`--${option} (\\S+)`, 'g'))].map(([, text]) => text!);
    const isPrefixed = given('resource-pattern-type').includes('prefixed');
    return given('topic').flatMap((topic) =>
      given('operation').map((operation) => ({
        resourceType: AclResourceTypes.TOPIC,
        resourceName: topic.replace('tradesense.', prefix),
        resourcePatternType: isPrefixed ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
        principal: given('allow-principal').join(),
        host: '*',
        operation: OPERATIONS[operation as keyof typeof OPERATIONS],
        permissionType: AclPermissionTypes.ALLOW,
      })),
    );
  });
  const admin = new Kafka({ brokers: [...brokers], retry: RETRY, logLevel: 0 }).admin({ retry: RETRY });
  await admin.connect();
  await admin.createAcls({ acl }).finally(() => admin.disconnect());
}

const OPERATIONS = {
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
  Create: AclOperationTypes.CREATE,
  Describe: AclOperationTypes.DESCRIBE,
  DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS,
};

let stack: Stack;

beforeAll(async () => {
  stack = await privateStack({
    durable: false,
    migrated: false,
    topicPrefix: null,
    kafkaUsers: { trusted: PASSWORD, relay: PASSWORD, gateway: PASSWORD, operator: PASSWORD, writer: PASSWORD },
    kafka: {
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS;User:trusted',
    },
    doors: {
      secure: {
        security: 'SASL_SSL',
        settings: { ...login, ...shown(ours.issue()), 'connections.max.reauth.ms': String(LOGIN_MS) },
      },
      expired: { security: 'SSL', settings: shown(ours.issue({ untilMs: Date.now() - 60_000 })) },
      elsewhere: { security: 'SSL', settings: shown(ours.issue({ host: 'elsewhere.example', isLoopback: false })) },
      encrypted: { security: 'SSL', settings: shown(ours.issue()) },
    },
  });
  const admin = connectAdmin({ brokers: stack.kafkaBrokers, clientId: 'test' });
  await admin.ensureTopics([TOPIC]).finally(() => admin.close());
});
afterAll(() => stack.stop());

type Way = Omit<KafkaConnection, 'brokers' | 'clientId'>;
const through = (door: string, way: Way): KafkaConnection => ({
  brokers: door === 'plain' ? stack.kafkaBrokers : stack.brokersBehind(door),
  clientId: 'test',
  ...way,
});

async function sendOne(connection: KafkaConnection, text: string): Promise<void> {
  const publisher = connectPublisher(connection, { topics: [TOPIC] });
  const record = { key: 'a', value: Buffer.from(text), headers: {} };
  await publisher.send([{ topic: TOPIC.name, records: [record] }]).finally(() => publisher.close());
}

/** A reader from the end on, what it reads and what it complains of. */
function listen(connection: KafkaConnection): { reader: Reader; texts: string[]; complaints: string[] } {
  const texts: string[] = [];
  const complaints: string[] = [];
  const log = { warn: ({ why }: { why: string }) => complaints.push(why) } as unknown as Logger;
  const reader = openReader(
    connection,
    [{ topic: TOPIC.name, partitions: TOPIC.partitions, from: 'end' }],
    {
      records: (records) => void texts.push(...records.map(({ value }) => String(value))),
      lost: () => undefined,
      position: () => undefined,
    },
    { log },
  );
  return { reader, texts, complaints };
}

/** What each of the three says that comes this way. */
async function refusals(connection: KafkaConnection): Promise<readonly string[]> {
  const admin: Admin = connectAdmin(connection);
  const heard = listen(connection);
  const starting = heard.reader.start().catch(() => undefined);
  const said = async (work: Promise<unknown>): Promise<string> => {
    const fault = await work.then(() => undefined, faultOf);
    return `${fault?.remedy}: ${fault?.message}`;
  };
  try {
    const own = await Promise.all([said(admin.ends(TOPIC.name)), said(sendOne(connection, 'never'))]);
    const complaint = () => heard.reader.trouble();
    return [...own, `wait: ${await until(complaint, (what) => what !== undefined, { what: 'the reader complains' })}`];
  } finally {
    await Promise.all([heard.reader.stop(), admin.close()]);
    await starting;
  }
}

describe('who may come in', () => {
  it.each<[string, Way]>([
    ['SCRAM over TLS', { tls, sasl }],
    ['PLAIN over TLS', { tls, sasl: { ...sasl, mechanism: 'plain' } }],
  ])('reads, writes and asks: %s', async (text, way) => {
    const connection = through('secure', way);
    const heard = listen(connection);
    await heard.reader.start();
    await sendOne(connection, text);
    await until(
      () => heard.texts,
      (texts) => texts.includes(text),
    );
    const admin = connectAdmin(connection);
    expect((await admin.ends(TOPIC.name)).size).toBe(TOPIC.partitions);
    await Promise.all([heard.reader.stop(), admin.close()]);
  });

  it('reads, writes and asks by a name the certificate has, over TLS alone', async () => {
    const [broker] = stack.brokersBehind('encrypted');
    await sendOne(
      { ...through('encrypted', { tls }), brokers: [broker!.replace('127.0.0.1', 'localhost')] },
      'by name',
    );
  });

  it('goes on when a login has run out, which is renewed on the way', async () => {
    const connection = through('secure', { tls, sasl });
    const topic = { ...TOPIC, name: 'renewed' };
    const admin = connectAdmin(connection);
    await admin.ensureTopics([topic]);
    const ear = new Ear(connection, topic);
    await ear.reader.start();
    const publisher = connectPublisher(connection, { topics: [topic] });
    const source = new Source(publisher, topic.name);
    await until(
      () => source.acknowledged,
      (count) => count > ((LOGIN_MS + 1_000) / 1_000) * RECORDS_PER_S,
      { withinMs: 20_000 },
    );
    await source.stop();
    const ends = await admin.ends(topic.name);
    await ear.reachedEnds(ends);
    expect(breaches(source, ear, ends)).toEqual([]);
    expect(source.unclear).toBe(0);
    await Promise.all([ear.reader.stop(), publisher.close(), admin.close()]);
  });
});

describe('who is not let in hears why', () => {
  it.each<[why: string, door: string, way: Way, says: RegExp]>([
    ['an authority we do not trust', 'secure', { tls: { ca: stranger.cert }, sasl }, /nobody we trust has signed/],
    ['no authority of ours', 'secure', { tls: {}, sasl }, /nobody we trust has signed/],
    ['an expired certificate', 'expired', { tls }, /certificate that has expired/],
    ["another host's certificate", 'elsewhere', { tls }, /certificate for another name/],
    [
      'a wrong password',
      'secure',
      { tls, sasl: { ...sasl, password: WRONG } },
      /refuses trusted: .* password is wrong/,
    ],
    ['an unknown user', 'secure', { tls, sasl: { ...sasl, username: 'nobody' } }, /refuses nobody: the name/],
    [
      'a mechanism that is off',
      'secure',
      { tls, sasl: { ...sasl, mechanism: 'scram-sha-512' } },
      /offer SCRAM-SHA-512/,
    ],
    ['no login where one is asked for', 'secure', { tls }, /may ask for SASL/],
    ['a login where none is asked for', 'encrypted', { tls, sasl }, /listener without SASL/],
    ['TLS to a plain listener', 'plain', { tls }, /does not answer in TLS/],
    ['plain bytes to a TLS listener', 'encrypted', {}, /answers in TLS/],
  ])('%s', async (_, door, way, says) => {
    const all = await refusals(through(door, way));
    expect(all).toHaveLength(3);
    for (const one of all) {
      expect(one).toMatch(/^wait: /);
      expect(one).toMatch(says);
      expect(one).not.toMatch(new RegExp(`${PASSWORD}|${WRONG}`));
    }
  });

  it('a broker that logs us in without knowing the password is not believed', async () => {
    const impostor = await Impostor.start();
    try {
      for (const one of await refusals({ brokers: [impostor.broker], clientId: 'test', sasl }))
        expect(one).toMatch(/can not prove that it knows the password of trusted/);
      const [metadata, produce] = [3, 0];
      expect(impostor.asked).not.toContain(metadata);
      expect(impostor.asked).not.toContain(produce);
    } finally {
      await impostor.stop();
    }
  });
});

describe('on the way to Kafka', () => {
  const heard: Buffer[] = [];
  const bytesHeard = (): Buffer => Buffer.concat(heard);
  let server: Server;
  beforeEach(() => void heard.splice(0));
  afterEach(() => new Promise((done) => server.close(done)));

  const ask = async (way: Way): Promise<void> => {
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
    const brokers = [`127.0.0.1:${(server.address() as AddressInfo).port}`];
    await refusals({ brokers, clientId: 'client-id', ...way });
  };
  const secrets = (text: string): boolean =>
    [PASSWORD, 'trusted', 'client-id'].some(
      (secret) => text.includes(secret) || text.includes(btoa(secret).slice(0, -3)),
    );

  it.each(['plain', 'scram-sha-256'] as const)(
    'nobody hears anything but the beginning of TLS (%s)',
    async (mechanism) => {
      server = createTcpServer((socket) => {
        socket
          .on('error', () => undefined)
          .on('data', (bytes) => {
            heard.push(bytes);
            socket.destroy();
          });
      });
      await ask({ tls, sasl: { ...sasl, mechanism } });
      expect(heard.length).toBeGreaterThan(2);
      const handshake = 0x16;
      for (const bytes of heard) expect(bytes[0]).toBe(handshake);
      expect(secrets(bytesHeard().toString('latin1'))).toBe(false);
    },
  );

  it('who shows a certificate of a stranger hears nothing behind it', async () => {
    server = createTlsServer(stranger.issue(), (socket) => {
      socket.on('error', () => undefined).on('data', (bytes) => heard.push(bytes));
    });
    server.on('tlsClientError', () => undefined);
    await ask({ tls, sasl: { ...sasl, mechanism: 'plain' } });
    expect(bytesHeard()).toHaveLength(0);
  });
});

describe('a service', () => {
  const processes = new Processes();
  const folder = mkdtempSync(join(tmpdir(), 'tradesense-secure-'));
  let ground: OwnGround;
  let scene: RelayScene;

  beforeAll(async () => {
    ground = await openStack({ topics: false });
    await stack.makeTopics(ground.topicPrefix);
    scene = await RelayScene.open({ ...ground, brokers: stack.kafkaBrokers }, { challenges: 3 });
    await giveRights(stack.kafkaBrokers, ground.topicPrefix);
    writeFileSync(join(folder, 'ours.pem'), ours.cert);
    writeFileSync(join(folder, 'stranger.pem'), stranger.cert);
    writeFileSync(join(folder, 'password'), `${PASSWORD}\n`);
  });
  afterAll(async () => {
    await processes.stop();
    await scene.close();
    await ground.close();
    rmSync(folder, { recursive: true });
    const telling = processes.lines.filter((line) => [PASSWORD, WRONG].some((secret) => line.includes(secret)));
    expect(telling).toEqual([]);
  });

  const common = (username: string) => ({
    NODE_ENV: 'production',
    KAFKA_BROKERS: stack.brokersBehind('secure').join(','),
    KAFKA_TLS: 'on',
    KAFKA_TLS_CA: join(folder, 'ours.pem'),
    KAFKA_SASL_MECHANISM: 'scram-sha-256',
    KAFKA_SASL_USERNAME: username,
    TOPIC_PREFIX: ground.topicPrefix,
  });

  const launch = (name: 'relay' | 'gateway', env: Readonly<Record<string, string>>): Promise<ServiceProcess> =>
    processes.start({
      name,
      entry: `services/${name}/dist/main.js`,
      env: {
        ...common(name),
        LOG_LEVEL: 'trace',
        ADMIN_PORT: '0',
        JWT_SECRET,
        ...(name === 'relay'
          ? { DATABASE_URL: ground.databaseUrl('relay') }
          : { GATEWAY_PORT: '0', ALLOWED_ORIGINS: 'http://localhost' }),
        ...env,
      },
    });

  const WITH_PASSWORD = { KAFKA_SASL_PASSWORD_FILE: join(folder, 'password') };

  it('(relay) with the rights of docs/production.md publishes, and takes over from another one', async () => {
    const { challenges } = scene;
    for (const name of ['first', 'second']) {
      const relay = await launch('relay', WITH_PASSWORD);
      await until(
        () => relay.readiness(),
        ({ body }) => body.includes('leading'),
        { what: `the ${name} relay leads`, withinMs: 20_000 },
      );
      const writer = await OutboxWriter.open(ground.databaseUrl('postgres'));
      for (const id of challenges.ids) await writer.append(id);
      await writer.close();
      await scene.published();
      await relay.stop();
    }
  });

  it('(gateway) with the rights of docs/production.md is ready, and revokes', async () => {
    const gateway = await launch('gateway', WITH_PASSWORD);
    await gateway.ready();
    const anna = await Operator.at(() => gateway);
    const block = { user_id: 'ann', expires: '2100-01-01T00:00:00Z', reason: 'a test' };
    const answer = await anna.send('POST', '/access/revoke', block);
    expect([answer.status, await answer.text()]).toEqual([200, expect.stringContaining('user:ann')]);
  });

  it('(operator) makes and checks topics with its rights', async () => {
    const env = { ...common('operator'), KAFKA_SASL_PASSWORD: PASSWORD, TOPIC_PREFIX: `${ground.topicPrefix}more.` };
    const command = [inRepository('services/relay/dist/topics.js'), 'create', '--replication', '1'];
    const { stdout } = await promisify(execFile)(process.execPath, command, { env });
    expect(stdout).toMatch(/6 topics are well\n$/);
  });

  it('has no right beyond them', async () => {
    const as = (username: string): KafkaConnection => through('secure', { tls, sasl: { ...sasl, username } });
    const { events, watermarks } = topicsOf(ground.topicPrefix);
    const sendAs = async (username: string, topic: TopicSpec): Promise<unknown> => {
      const publisher = connectPublisher(as(username), { topics: [topic] });
      const records = [{ key: 'a', value: null, headers: {} }];
      return publisher.send([{ topic: topic.name, records }]).finally(() => publisher.close());
    };
    await expect(sendAs('gateway', events)).rejects.toThrow('TOPIC_AUTHORIZATION_FAILED');
    await expect(sendAs('relay', topicsOf(ground.topicPrefix).audit)).rejects.toThrow('TOPIC_AUTHORIZATION_FAILED');
    for (const username of ['relay', 'gateway']) {
      const admin = connectAdmin(as(username));
      const another = { ...watermarks, name: `${watermarks.name}-another` };
      await expect(admin.ensureTopics([another])).rejects.toThrow(/authori/i);
      await admin.close();
    }
  });

  it.each<[name: 'relay' | 'gateway', why: string, env: Readonly<Record<string, string>>, says: string]>([
    ['relay', 'a wrong password', { KAFKA_SASL_PASSWORD: WRONG }, 'the name or the password is wrong'],
    ['gateway', 'a wrong password', { KAFKA_SASL_PASSWORD: WRONG }, 'the name or the password is wrong'],
    [
      'gateway',
      'topics it has no right to read',
      { KAFKA_SASL_USERNAME: 'operator', KAFKA_SASL_PASSWORD: PASSWORD },
      'TOPIC_AUTHORIZATION_FAILED',
    ],
    [
      'relay',
      'topics it has no right to read',
      { KAFKA_SASL_USERNAME: 'writer', KAFKA_SASL_PASSWORD: PASSWORD },
      'TOPIC_AUTHORIZATION_FAILED',
    ],
    [
      'relay',
      'topics it has no right to see',
      { KAFKA_SASL_USERNAME: 'operator', KAFKA_SASL_PASSWORD: PASSWORD, TOPIC_PREFIX: 'not-ours.' },
      'not-ours.challenge-events is missing',
    ],
    [
      'relay',
      "a stranger's certificate, though Node.js is told to take any",
      { KAFKA_SASL_PASSWORD: PASSWORD, KAFKA_TLS_CA: join(folder, 'stranger.pem'), NODE_TLS_REJECT_UNAUTHORIZED: '0' },
      'nobody we trust has signed',
    ],
  ])('(%s) that meets %s is not ready, and says why', async (name, _, env, says) => {
    const service = await launch(name, env);
    await until(
      () => service.readiness(),
      ({ status, body }) => status === 503 && body.includes(says),
      { what: `readiness says that ${says}`, withinMs: 20_000 },
    );
    expect(service.isRunning).toBe(true);
  });
});
