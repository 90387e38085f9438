import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { ProcessIdentity } from '../bootstrap/process-identity.mjs';
import { CLUSTER_ID, answersKafka, brokerSettings, type KafkaListener } from '../kafka.js';
import type { Plan } from '../engine.js';
import { jars, java } from './java.js';
import { ProcessServer } from './process-server.js';

const VERSION = '4.1.0';
const READY_WITHIN_MS = 60_000;
const here = (path: string) => fileURLToPath(new URL(`../../kafka/${path}`, import.meta.url));
const run = promisify(execFile);

// Small and quick to start; a broker of tests never runs long enough to gain from the second compiler.
const JVM = [
  '-Xms256m',
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Xshare:auto',
  '-Djava.awt.headless=true',
];

export interface KafkaPlan extends Plan {
  readonly controllerPort: number;
}

/** Apache Kafka on 127.0.0.1, broker and controller in one process. */
export class KafkaServer extends ProcessServer {
  readonly name = 'Kafka';

  constructor(private readonly plan: KafkaPlan) {
    super(join(plan.folder, 'kafka.log'), READY_WITHIN_MS, plan.onStart);
  }

  protected override async launch() {
    const classes = await jars(`kafka-${VERSION}`, here('pom.xml'));
    const settings = this.#writeSettings();
    if (!existsSync(join(this.plan.folder, 'kafka', 'meta.properties'))) await this.#format(classes, settings);
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
      cwd: this.plan.folder,
    };
  }

  #writeSettings(): string {
    const { folder, listeners, controllerPort, kafkaSettings } = this.plan;
    const each = (text: (listener: KafkaListener) => string) => listeners.map(text).join(',');
    const all = {
      ...brokerSettings,
      'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
      listeners: `${each(({ name, port }) => `${name}://127.0.0.1:${port}`)},CONTROLLER://127.0.0.1:${controllerPort}`,
      'advertised.listeners': each(({ name, advertisedPort }) => `${name}://127.0.0.1:${advertisedPort}`),
      'listener.security.protocol.map': `${each(({ name }) => `${name}:PLAINTEXT`)},CONTROLLER:PLAINTEXT`,
      'inter.broker.listener.name': listeners[0].name,
      'log.dirs': join(folder, 'kafka'),
      ...kafkaSettings,
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
    const data = join(this.plan.folder, 'kafka');
    rmSync(data, { recursive: true, force: true }); // what an interrupted one left
    mkdirSync(data, { recursive: true });
    const how = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classes, 'kafka.tools.StorageTool'];
    await run(java(), [...how, 'format', '-t', CLUSTER_ID, '-c', settings], { env: ENVIRONMENT });
  }

  protected override answers(): Promise<true | undefined> {
    return answersKafka(this.plan.listeners[0].port);
  }

  protected override helpersOf(): readonly ProcessIdentity[] {
    return [];
  }
}

const ENVIRONMENT = { PATH: process.env['PATH'], LC_ALL: 'C', JAVA_HOME: process.env['JAVA_HOME'] };
