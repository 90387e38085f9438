import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { ProcessIdentity } from './bootstrap/process-identity.mjs';
import { exclusively } from './bootstrap/lock.mjs';
import { cacheFolder, makeOnce } from './folders.js';
import { ProcessServer } from './server.js';

const VERSION = '4.1.0';
const CLUSTER_ID = 'TradeSenseLocalStack0w';
const READY_WITHIN_MS = 60_000;
const here = (path: string) => fileURLToPath(new URL(`../kafka/${path}`, import.meta.url));
const run = promisify(execFile);

/** The class path of Kafka, fetched by Maven once per user. */
export async function kafkaClasses(): Promise<string> {
  const folder = join(cacheFolder(), `kafka-${VERSION}`);
  // Maven's own store does not bear two of them at once.
  if (!existsSync(folder)) await exclusively(`${folder}.lock`, () => makeOnce(folder, fetchJars).then(() => undefined));
  return join(folder, '*');
}

async function fetchJars(draft: string): Promise<void> {
  const copy = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${draft}`];
  await run('mvn', ['-q', '-B', '-f', here('pom.xml'), ...copy]);
}

export const java = (env: NodeJS.ProcessEnv = process.env): string =>
  env['JAVA_HOME'] ? join(env['JAVA_HOME'], 'bin', 'java') : 'java';

// Small and quick to start; a broker of tests never runs long enough to gain from the second compiler.
const JVM = [
  '-Xms256m',
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Xshare:auto',
  '-Djava.awt.headless=true',
];

/** A way in: Kafka tells its clients to come back to the advertised port, so a proxy in front needs a listener of its own. */
export interface KafkaListener {
  /** Letters only. */
  readonly name: string;
  readonly port: number;
  readonly advertisedPort: number;
}

export interface KafkaOptions {
  /** Holds the log, the settings and `kafka.log`. */
  readonly folder: string;
  /** The first one is also the broker's own way to itself. */
  readonly listeners: readonly [KafkaListener, ...KafkaListener[]];
  readonly controllerPort: number;
  readonly onStart: (server: ProcessIdentity) => void;
  /** More of Kafka's own settings. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** Apache Kafka on 127.0.0.1, broker and controller in one process. */
export class KafkaServer extends ProcessServer {
  readonly name = 'Kafka';

  constructor(private readonly options: KafkaOptions) {
    super(join(options.folder, 'kafka.log'), READY_WITHIN_MS, options.onStart);
  }

  protected override async launch() {
    const classes = await kafkaClasses();
    const settings = this.#writeSettings();
    if (!existsSync(join(this.options.folder, 'kafka', 'meta.properties'))) await this.#format(classes, settings);
    return {
      command: java(),
      args: [
        ...JVM,
        `-Dlog4j2.configurationFile=${here('log4j2.properties')}`,
        '-cp',
        classes,
        'kafka.Kafka',
        settings,
      ],
      env: ENVIRONMENT,
      cwd: this.options.folder,
    };
  }

  #writeSettings(): string {
    const { folder, listeners, controllerPort, settings } = this.options;
    const each = (text: (listener: KafkaListener) => string) => listeners.map(text).join(',');
    const all = {
      'process.roles': 'broker,controller',
      'node.id': '1',
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      'controller.listener.names': 'CONTROLLER',
      listeners: `${each(({ name, port }) => `${name}://127.0.0.1:${port}`)},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': each(({ name, advertisedPort }) => `${name}://127.0.0.1:${advertisedPort}`),
      'listener.security.protocol.map': `${each(({ name }) => `${name}:PLAINTEXT`)},CONTROLLER:PLAINTEXT`,
      'inter.broker.listener.name': listeners[0].name,
      'log.dirs': join(folder, 'kafka'),
      'auto.create.topics.enable': 'false', // a service that misspells a topic must hear of it
      'offsets.topic.replication.factor': '1',
      'offsets.topic.num.partitions': '1',
      'transaction.state.log.replication.factor': '1',
      'transaction.state.log.min.isr': '1',
      'transaction.state.log.num.partitions': '1',
      'group.initial.rebalance.delay.ms': '0',
      'log.cleaner.backoff.ms': '1000',
      // A killed broker is let in again only when its earlier life has run out.
      'broker.session.timeout.ms': '3000',
      'broker.heartbeat.interval.ms': '500',
      ...settings,
    };
    const file = join(folder, 'kafka.properties');
    writeFileSync(
      file,
      Object.entries(all)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
    return file;
  }

  async #format(classes: string, settings: string): Promise<void> {
    const data = join(this.options.folder, 'kafka');
    rmSync(data, { recursive: true, force: true }); // what an interrupted one left
    mkdirSync(data, { recursive: true });
    const how = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classes, 'kafka.tools.StorageTool'];
    await run(java(), [...how, 'format', '-t', CLUSTER_ID, '-c', settings], { env: ENVIRONMENT });
  }

  protected override answers(): Promise<true | undefined> {
    return answersKafka(this.options.listeners[0].port);
  }

  protected override helpersOf(): readonly ProcessIdentity[] {
    return [];
  }
}

const ENVIRONMENT = { PATH: process.env['PATH'], LC_ALL: 'C', JAVA_HOME: process.env['JAVA_HOME'] };

/**
 * Asks which requests the broker knows (ApiVersions 0): it answers only once its start is over. An open port says less: it is
 * open seconds before.
 */
export function answersKafka(port: number, host = '127.0.0.1'): Promise<true | undefined> {
  const body = Buffer.from([0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff]); // key 18, version 0, correlation 7, no client id
  const request = Buffer.concat([Buffer.from([0, 0, 0, body.length]), body]);
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_000 }, () => socket.write(request));
    const end = (answer: true | undefined) => {
      socket.destroy();
      resolve(answer);
    };
    let got = Buffer.alloc(0);
    socket.on('data', (data) => {
      got = Buffer.concat([got, data]);
      if (got.length >= 10) end(got.readInt32BE(4) === 7 && got.readInt16BE(8) === 0 ? true : undefined);
    });
    socket
      .on('timeout', () => end(undefined))
      .on('error', () => end(undefined))
      .on('close', () => end(undefined));
  });
}
