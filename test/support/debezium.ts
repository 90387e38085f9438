import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { KeptProcess, freePort, jars, java, type Stack } from '@tradesense/local';
import pg from 'pg';

import { inRepository } from './repository.js';
import { until } from './until.js';

const JARS = 'debezium-3.6.1';
const READY_WITHIN_MS = 60_000;
const STOP_WITHIN_MS = 30_000;
/** Its log goes where Kafka's does: to a file beside the server's data. */
const LOGGING = 'infra/local/kafka/log4j2.properties';

/** Small and quick to start. */
const QUICK = ['-Xms256m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto'];

type Settings = Readonly<Record<string, string>>;

export interface DebeziumOptions {
  /** Topics it publishes to: `tradesense.` takes the relay's place. */
  readonly topicPrefix: string;
  readonly jvm?: readonly string[];
}

/** Debezium's connector in a standalone worker of Kafka Connect, a process of its own, reading the stack's outbox. */
export class Debezium {
  #process: KeptProcess | undefined;
  #closing: Promise<void> | undefined;

  private constructor(
    private readonly folder: string,
    private readonly args: readonly string[],
    private readonly superuser: pg.Client,
  ) {}

  /** What an operator makes beforehand, once: who logs in, the publication, and the slot, which keeps every row from now on. */
  static async prepare(stack: Stack, { topicPrefix, jvm = QUICK }: DebeziumOptions): Promise<Debezium> {
    const superuser = new pg.Client({ connectionString: stack.databaseUrl('postgres') });
    superuser.on('error', () => undefined); // told by the next statement
    await superuser.connect();
    for (const statement of guide('prepare')) await superuser.query(statement);
    const folder = join(stack.folder, 'connect');
    mkdirSync(folder, { recursive: true });
    const { host, port } = stack.place.postgres;
    const worker = settingsFile(folder, 'worker', {
      'bootstrap.servers': stack.kafkaBrokers.join(','),
      'offset.storage.file.filename': join(folder, 'offsets'),
      listeners: `http://127.0.0.1:${await freePort()}`,
    });
    const connector = settingsFile(folder, 'outbox', {
      'database.hostname': host,
      'database.port': String(port),
      'transforms.outbox.route.topic.replacement': `${topicPrefix}\${routedByValue}`,
    });
    const classes = await jars(JARS, inRepository('test/debezium/pom.xml'));
    const logging = `-Dlog4j2.configurationFile=${inRepository(LOGGING)}`;
    const main = 'org.apache.kafka.connect.cli.ConnectStandalone';
    return new Debezium(folder, [...jvm, logging, '-cp', classes, main, worker, connector], superuser);
  }

  get pid(): number {
    return this.#running.pid;
  }
  get #running(): KeptProcess {
    if (this.#process === undefined) throw new Error('Debezium was not started');
    return this.#process;
  }

  /** Resolves when it reads the slot. Also after a stop: it goes on where it was. */
  async start(): Promise<void> {
    const log = join(this.folder, 'connect.log');
    const started = await KeptProcess.start({
      name: 'Kafka Connect',
      command: java(),
      args: this.args,
      env: { PATH: process.env['PATH'], LC_ALL: 'C', JAVA_HOME: process.env['JAVA_HOME'] },
      cwd: this.folder,
      output: { file: log },
    });
    this.#process = started;
    await until(
      async () => started.exit ?? (await this.#isReading()),
      (state) => state !== false,
      { withinMs: READY_WITHIN_MS, what: `Debezium reads its slot, see ${log}` },
    );
    if (started.exit !== undefined) throw new Error(`Kafka Connect ended instead of starting, see ${log}`);
  }

  async #isReading(): Promise<boolean> {
    const { rows } = await this.superuser.query<{ active: boolean }>(
      `select active from pg_replication_slots where slot_name = 'tradesense_debezium'`,
    );
    return rows[0]?.active === true;
  }

  freeze(): void {
    this.#running.signal('SIGSTOP');
  }
  thaw(): void {
    this.#running.signal('SIGCONT');
  }

  /** In order: what it has published it has noted. */
  async stop(): Promise<void> {
    await this.#process?.stop(STOP_WITHIN_MS);
    await until(async () => !(await this.#isReading()), Boolean, {
      what: 'PostgreSQL knows that nobody reads the slot',
    });
  }

  /** Takes back what was prepared: the slot, or PostgreSQL keeps its log for it for ever. May be called twice. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    try {
      await this.stop();
      for (const statement of guide('take back')) await this.superuser.query(statement);
    } finally {
      await this.superuser.end();
    }
  }
}

/** The statements that docs/debezium.md shows under this comment, so that what it says is what was tried. */
export function guide(name: string): readonly string[] {
  const text = readFileSync(inRepository('docs/debezium.md'), 'utf8');
  const block = text.split(`-- ${name}\n`)[1]?.split('```')[0];
  if (block === undefined) throw new Error(`docs/debezium.md has no statements '${name}'`);
  return block
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

/** The file that docs name, with what depends on the place; Java takes the later of two lines. */
function settingsFile(folder: string, name: string, here: Settings): string {
  const lines = Object.entries(here).map(([key, value]) => `${key}=${value}\n`);
  const file = join(folder, `${name}.properties`);
  writeFileSync(file, [readFileSync(inRepository(`test/debezium/${name}.properties`), 'utf8'), ...lines].join(''));
  return file;
}
