import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

import { topicsOf } from '@tradesense/contracts';
import { connectAdmin } from '@tradesense/kafka';
import { startStack, sweep, type DatabaseRole, type Route, type Stack } from '@tradesense/local';
import pg from 'pg';

import {
  childrenOf,
  commandOf,
  identityOf,
  isAlive,
  signalTo,
  type ProcessIdentity,
} from '../../../infra/local/src/bootstrap/process-identity.mjs';
import { inRepository } from '../../support/repository.js';
import { until, within } from '../../support/until.js';

/** One statement on a connection of its own. */
async function ask(route: Route, sql: string, { role = 'postgres' as DatabaseRole, database = 'tradesense' } = {}) {
  const client = new pg.Client({ connectionString: route.databaseUrl(role, database), connectionTimeoutMillis: 2_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function topicFaults({ kafkaBrokers }: Route, prefix: string) {
  const admin = connectAdmin({ brokers: kafkaBrokers, clientId: 'stack-test' });
  try {
    return await admin.checkTopics(Object.values(topicsOf(prefix)), 1);
  } finally {
    await admin.close();
  }
}

describe('a private stack', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack({ links: ['relay'] });
  });
  afterAll(() => stack.stop());

  it('has the three roles and a database that belongs to the migrator', async () => {
    for (const role of ['migrator', 'trade', 'relay'] as const)
      expect(await ask(stack, 'select current_user::text as name', { role })).toEqual([{ name: `tradesense_${role}` }]);
    const owners = `select pg_get_userbyid(datdba)::text as owner from pg_database where datname = 'tradesense'`;
    expect(await ask(stack, owners)).toEqual([{ owner: 'tradesense_migrator' }]);
  });

  it('has PostgreSQL 18 that waits for the disk', async () => {
    expect(await ask(stack, 'show server_version')).toEqual([{ server_version: expect.stringMatching(/^18\./) }]);
    expect(await ask(stack, 'show fsync')).toEqual([{ fsync: 'on' }]);
  });

  it('has all topics, also under another prefix', async () => {
    expect(await topicFaults(stack, 'tradesense.')).toEqual([]);
    expect(await topicFaults(stack, 'mine.')).not.toEqual([]);
    await stack.makeTopics('mine.');
    expect(await topicFaults(stack, 'mine.')).toEqual([]);
  });

  it('copies its database, several at once', async () => {
    await ask(stack, 'create table copied (id int); insert into copied values (7)', { role: 'migrator' });
    await Promise.all(['one', 'two', 'three'].map((name) => stack.cloneDatabase(name)));
    for (const database of ['one', 'two', 'three'])
      expect(await ask(stack, 'select id from copied', { role: 'migrator', database })).toEqual([{ id: 7 }]);
  });

  it('brings PostgreSQL back after SIGKILL, on its port, with what was committed', async () => {
    await ask(stack, 'create table kept (id int)');
    const backends = childrenOf(stack.postgres.pid!);
    await ask(stack, 'insert into kept values (1)');
    await stack.postgres.kill();
    expect(stack.postgres.pid).toBeUndefined();
    expect(backends.map(identityOf).filter(Boolean)).toEqual([]);
    await expect(ask(stack, 'select 1')).rejects.toThrow('ECONNREFUSED');
    await stack.postgres.start();
    expect(await ask(stack, 'select id from kept')).toEqual([{ id: 1 }]);
  });

  it('brings Kafka back after SIGKILL, on its port, with its topics', async () => {
    await stack.kafka.kill();
    expect(stack.kafka.pid).toBeUndefined();
    await stack.kafka.start();
    expect(await topicFaults(stack, 'tradesense.')).toEqual([]);
  });

  it('freezes PostgreSQL with its sessions, and thaws it', async () => {
    const client = new pg.Client({ connectionString: stack.databaseUrl('trade') });
    await client.connect();
    await stack.postgres.freeze();
    let answered = false;
    const answer = client.query('select 1').then(() => (answered = true));
    await expect(within(300, 'an answer', answer)).rejects.toThrow('not within');
    expect(answered).toBe(false);
    await stack.postgres.thaw();
    await within(5_000, 'an answer', answer);
    await client.end();
  });

  it('survives start and stop at any time, and twice', async () => {
    await Promise.all([stack.postgres.start(), stack.postgres.start()]);
    await Promise.all([stack.postgres.stop(), stack.postgres.stop()]);
    await stack.postgres.freeze();
    await stack.postgres.thaw();
    await Promise.all([stack.postgres.start(), stack.postgres.start()]);
    expect(await ask(stack, 'select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('cuts one client from both servers while the others go on', async () => {
    const relay = stack.link('relay');
    expect(await ask(relay, 'select 1 as one', { role: 'relay' })).toEqual([{ one: 1 }]);
    expect(await topicFaults(relay, 'tradesense.')).toEqual([]);
    relay.postgres.cut();
    relay.kafka.cut();
    await expect(ask(relay, 'select 1')).rejects.toThrow('ECONNREFUSED');
    // Kafka sends its clients on to the address it advertises: were it not the proxy's, this one would get through.
    await expect(topicFaults(relay, 'tradesense.')).rejects.toMatchObject({ code: 'kafka-unavailable' });
    expect(await ask(stack, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(await topicFaults(stack, 'tradesense.')).toEqual([]);
    await Promise.all([relay.postgres.heal(), relay.kafka.heal()]);
    expect(await topicFaults(relay, 'tradesense.')).toEqual([]);
  });

  it('keeps a client of Kafka on its link: no connection goes past the proxy', async () => {
    const relay = stack.link('relay');
    const admin = connectAdmin({ brokers: relay.kafkaBrokers, clientId: 'stack-test' });
    await admin.ends('tradesense.challenge-events');
    expect(relay.kafka.connections).toBeGreaterThan(0);
    relay.kafka.cut();
    await expect(admin.ends('tradesense.challenge-events')).rejects.toMatchObject({ code: 'kafka-unavailable' });
    await relay.kafka.heal();
    expect((await admin.ends('tradesense.challenge-events')).size).toBe(12);
    await admin.close();
  });
});

describe('a stack whose data is kept', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'kept-stack-'));
    chmodSync(folder, 0o755); // as root, PostgreSQL is somebody else
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('finds it again at the next start, and admits no second owner meanwhile', async () => {
    const first = await startStack({ folder });
    await ask(first, 'create table kept (id int); insert into kept values (1)');
    await first.makeTopics('kept.');
    await expect(otherProcess(`startStack({ folder: ${JSON.stringify(folder)} })`)).rejects.toThrow(
      'is in use by process',
    );
    await first.stop();
    await first.stop();
    expect(existsSync(folder)).toBe(true);

    const second = await startStack({ folder, topicPrefix: null });
    expect(await ask(second, 'select id from kept')).toEqual([{ id: 1 }]);
    expect(await topicFaults(second, 'kept.')).toEqual([]);
    await second.stop();
  });
});

describe('a stack that fails half way', () => {
  it('leaves no process and no folder', async () => {
    const before = keepers();
    const start = startStack({ kafka: { 'log.segment.bytes': 'many' }, topicPrefix: null });
    const why = String(
      await start.then(
        () => 'it started',
        (error: unknown) => error,
      ),
    );
    expect(why).toContain('log.segment.bytes');
    const folder = /(\/\S*)\/kafka\.properties/.exec(why)?.[1];
    if (folder === undefined) throw new Error(`no folder in: ${why}`);
    expect(existsSync(folder)).toBe(false);
    expect(keepers()).toEqual(before);
  });
});

describe('a process that started a stack and is killed', () => {
  it('takes its servers along within 5 s', async () => {
    const { owner, servers, folder } = await stackOfAnotherProcess();
    expect(servers.every(isAlive)).toBe(true);
    signalTo(owner, 'SIGKILL');
    await until(
      () => servers.filter(isAlive),
      (left) => left.length === 0,
      { withinMs: 5_000 },
    );
    sweep();
    expect(existsSync(folder)).toBe(false);
  });

  it('leaves nothing behind the next sweep, also when its keepers were killed with it', async () => {
    const { owner, servers, folder } = await stackOfAnotherProcess();
    const keepersOfIt = childrenOf(owner.pid).flatMap((pid) => identityOf(pid) ?? []);
    sweep(); // its owner lives: nothing happens
    expect(servers.every(isAlive)).toBe(true);
    const killed = [owner, ...keepersOfIt];
    for (const identity of killed) signalTo(identity, 'SIGKILL');
    await until(
      () => killed.some(isAlive),
      (alive) => !alive,
    );
    sweep();
    await until(
      () => servers.filter(isAlive),
      (left) => left.length === 0,
      { withinMs: 5_000 },
    );
    expect(existsSync(folder)).toBe(false);
  });
});

describe('sweeps at the same time', () => {
  it('leave no folder of a dead owner, whichever of them is quicker', async () => {
    const { owner, servers, folder } = await stackOfAnotherProcess();
    signalTo(owner, 'SIGKILL');
    await until(
      () => [owner, ...servers].filter(isAlive),
      (left) => left.length === 0,
      { withinMs: 5_000 },
    );
    const sweeps = Array.from({ length: 4 }, () =>
      otherProcess(`local.sweep(); console.log(existsSync(${JSON.stringify(folder)}))`),
    );
    expect((await Promise.all(sweeps)).map(({ line }) => line)).toEqual(['false', 'false', 'false', 'false']);
  });
});

const keepers = () => childrenOf(process.pid).filter((pid) => commandOf(pid).includes('keeper.mjs'));
/** Runs code against the built package in a process of its own; resolves with the first line it prints. */
async function otherProcess(code: string): Promise<{ pid: number; line: string }> {
  const built = pathToFileURL(inRepository('infra/local/dist/index.js')).href;
  const script = `import { existsSync } from 'node:fs'; import * as local from ${JSON.stringify(built)}; const { startStack } = local; ${code.startsWith('startStack') ? `await ${code}` : code}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (data) => (errors += data));
  const failed = once(child, 'close').then(() => Promise.reject(new Error(errors)));
  failed.catch(() => undefined); // after the line nobody asks how it ends
  const line = once(createInterface({ input: child.stdout }), 'line').then(([text]) => String(text));
  return { pid: child.pid!, line: await Promise.race([line, failed]) };
}

async function stackOfAnotherProcess(): Promise<{
  owner: ProcessIdentity;
  servers: ProcessIdentity[];
  folder: string;
}> {
  const { pid, line } = await otherProcess(`
    const { folder, postgres, kafka } = await startStack({ topicPrefix: null });
    console.log(JSON.stringify({ folder, pids: [postgres.pid, kafka.pid] }));`);
  const { folder, pids } = JSON.parse(line) as { folder: string; pids: number[] };
  const [owner, ...servers] = [pid, ...pids].map((one) => identityOf(one)!);
  return { owner: owner!, servers, folder };
}
