import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import type { ProcessIdentity } from '../bootstrap/process-identity.mjs';
import {
  CLUSTER_ID,
  answersKafka,
  brokerSettings,
  securityOf,
  type KafkaListener,
  type KafkaListeners,
} from '../kafka.js';
import type { Plan } from '../engine.js';
import { jars, java } from './java.js';
import { ProcessServer } from './process-server.js';

const VERSION = '4.1.0';
const READY_WITHIN_MS = 60_000;
const here = (path: string) => fileURLToPath(new URL(`../../kafka/${path}`, import.meta.url));
const run = promisify(execFile);

// Small and quick to start; a broker of tests never runs long enough to gain from the second compiler.
const JVM = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-Djava.awt.headless=true'];

export interface NodePlan {
  readonly name: string;
  /** The stack's folder, and what this node's data, settings and log are called there. */
  readonly folder: string;
  readonly files: string;
  readonly nodeId: number;
  readonly role:
    { readonly is: 'broker,controller' | 'broker'; readonly listeners: KafkaListeners } | { readonly is: 'controller' };
  readonly controller: { readonly nodeId: number; readonly port: number };
  readonly settings: Readonly<Record<string, string>>;
  readonly users: Plan['kafkaUsers'];
  readonly heapMb: number;
  readonly onStart: Plan['onStart'];
}

/** A node of Apache Kafka on 127.0.0.1: a broker, the controller, or both in one process. */
export class KafkaServer extends ProcessServer {
  constructor(private readonly plan: NodePlan) {
    super(join(plan.folder, `${plan.files}.log`), READY_WITHIN_MS, plan.onStart);
  }

  override get name(): string {
    return this.plan.name;
  }

  get #data(): string {
    return join(this.plan.folder, this.plan.files);
  }

  protected override async launch() {
    const { folder, heapMb } = this.plan;
    const classes = await jars(`kafka-${VERSION}`, here('pom.xml'));
    const settings = this.#writeSettings();
    if (!existsSync(join(this.#data, 'meta.properties'))) await this.#format(classes, settings);
    return {
      command: java(),
      args: [
        `-Xms${heapMb / 2}m`,
        `-Xmx${heapMb}m`,
        ...JVM,
        `-Dlog4j2.configurationFile=${here('log4j2.properties')}`,
        '-cp',
        classes,
        'kafka.Kafka',
        settings,
      ],
      env: ENVIRONMENT,
      cwd: folder,
    };
  }

  #writeSettings(): string {
    const { folder, files, nodeId, role, controller, settings } = this.plan;
    const all = {
      ...brokerSettings,
      'process.roles': role.is,
      'node.id': `${nodeId}`,
      'controller.quorum.voters': `${controller.nodeId}@127.0.0.1:${controller.port}`,
      ...listenerSettings(this.plan),
      'log.dirs': this.#data,
      ...settings,
    };
    const file = join(folder, `${files}.properties`);
    writeFileSync(file, Object.entries(all).map(propertyLine).join(''));
    return file;
  }

  async #format(classes: string, settings: string): Promise<void> {
    rmSync(this.#data, { recursive: true, force: true }); // what an interrupted one left
    mkdirSync(this.#data, { recursive: true });
    const how = ['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', classes, 'kafka.tools.StorageTool'];
    const users = Object.entries(this.plan.users).flatMap(([name, password]) =>
      ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((how) => [
        '--add-scram',
        `${how}=[name=${name},password=${password}]`,
      ]),
    );
    await run(java(), [...how, 'format', '-t', CLUSTER_ID, '-c', settings, ...users], { env: ENVIRONMENT });
  }

  protected override answers(): Promise<true | undefined> {
    const { role, controller } = this.plan;
    return answersKafka(role.is === 'controller' ? controller.port : role.listeners[0].port);
  }

  protected override helpersOf(): readonly ProcessIdentity[] {
    return [];
  }
}

function listenerSettings({ role, controller }: NodePlan): Record<string, string> {
  const own = `CONTROLLER://127.0.0.1:${controller.port}`;
  if (role.is === 'controller')
    return { listeners: own, 'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,DIRECT:PLAINTEXT' };
  const { is, listeners } = role;
  const each = (text: (listener: KafkaListener) => string) => listeners.map(text);
  const ways = each(({ name, port }) => `${name}://127.0.0.1:${port}`);
  const doors = listeners.flatMap(({ name, door }) =>
    Object.entries(door?.settings ?? {}).map(([setting, value]) => [
      `listener.name.${name.toLowerCase()}.${setting}`,
      value,
    ]),
  );
  return {
    listeners: [...ways, ...(is === 'broker' ? [] : [own])].join(','),
    'advertised.listeners': each(({ name, advertisedPort }) => `${name}://127.0.0.1:${advertisedPort}`).join(','),
    'listener.security.protocol.map': [...each((one) => `${one.name}:${securityOf(one)}`), 'CONTROLLER:PLAINTEXT'].join(
      ',',
    ),
    'inter.broker.listener.name': listeners[0].name,
    ...Object.fromEntries(doors),
  };
}

/** In Java's syntax: a value may have several lines, as keys and certificates do. */
const propertyLine = ([name, value]: [string, string]): string =>
  `${name}=${value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`;

const ENVIRONMENT = { PATH: process.env['PATH'], LC_ALL: 'C', JAVA_HOME: process.env['JAVA_HOME'] };
