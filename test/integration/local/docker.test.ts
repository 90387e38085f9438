import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

import { topicsOf } from '@tradesense/contracts';
import { connectAdmin } from '@tradesense/kafka';
import { startStack, type Stack } from '@tradesense/local';
import pg from 'pg';

import { identityOf, ownIdentity } from '../../../infra/local/src/bootstrap/process-identity.mjs';
import { removeVolumes, sweepContainers } from '../../../infra/local/src/docker/engine.js';
import { inRepository } from '../../support/repository.js';
import { until } from '../../support/until.js';

const engineAnswers = spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 }).status === 0;
const title = 'a stack in containers';

(engineAnswers ? describe : describe.skip)(
  engineAnswers ? title : `${title} (NOT RUN: no Docker engine answers)`,
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'docker-stack-'));
    chmodSync(folder, 0o755); // as root, PostgreSQL would be somebody else
    const options = { engine: 'docker', folder, links: ['relay'], postgres: { work_mem: '5MB' } } as const;
    let stack: Stack;
    beforeAll(async () => {
      stack = await startStack(options);
    }, 240_000);
    afterAll(async () => {
      await stack.stop();
      await removeVolumes(folder);
      rmSync(folder, { recursive: true });
    }, 60_000);

    const ask = async (sql: string, url = stack.databaseUrl('postgres')): Promise<unknown[]> => {
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      try {
        return (await client.query<Record<string, unknown>>(sql)).rows;
      } finally {
        await client.end();
      }
    };
    const topicFaults = async (brokers: readonly string[]) => {
      const admin = connectAdmin({ brokers, clientId: 'docker-test' });
      try {
        return await admin.checkTopics(Object.values(topicsOf('tradesense.')), 1);
      } finally {
        await admin.close();
      }
    };

    it('has roles, database, topics and settings like one of processes', async () => {
      expect(await ask('select current_user::text as name', stack.databaseUrl('relay'))).toEqual([
        { name: 'tradesense_relay' },
      ]);
      expect(await ask('show work_mem')).toEqual([{ work_mem: '5MB' }]);
      expect(await topicFaults(stack.kafkaBrokers)).toEqual([]);
      await stack.cloneDatabase('a_copy');
      expect(await ask('select 1 as one', stack.databaseUrl('migrator', 'a_copy'))).toEqual([{ one: 1 }]);
    });

    it('is reached from this machine only', () => {
      const ports = ownContainers('{{.Ports}}');
      expect(ports).toContain('127.0.0.1:');
      expect(ports).not.toMatch(/0\.0\.0\.0:|\[::\]:/);
    });

    it('brings both servers back after SIGKILL, on their ports, with their data', async () => {
      await ask('create table kept (id int)');
      await Promise.all([stack.postgres.kill(), stack.kafka.kill()]);
      expect([stack.postgres.pid, stack.kafka.pid]).toEqual([undefined, undefined]);
      await Promise.all([stack.postgres.start(), stack.kafka.start()]);
      expect(await ask('select count(*)::int as rows from kept')).toEqual([{ rows: 0 }]);
      expect(await topicFaults(stack.kafkaBrokers)).toEqual([]);
    }, 120_000);

    it('cuts one client from Kafka while the others go on', async () => {
      const relay = stack.link('relay');
      expect(await topicFaults(relay.kafkaBrokers)).toEqual([]);
      relay.kafka.cut();
      await expect(topicFaults(relay.kafkaBrokers)).rejects.toMatchObject({ code: 'kafka-unavailable' });
      expect(await topicFaults(stack.kafkaBrokers)).toEqual([]);
    });

    it('leaves no container when it stops; its data is found again, and its owner’s death ends it', async () => {
      await ask('create table found (id int)');
      await stack.stop();
      expect(ownContainers('{{.Names}}')).toBe('');

      const built = pathToFileURL(inRepository('infra/local/dist/index.js')).href;
      const script = `
        const { startStack } = await import(${JSON.stringify(built)});
        const stack = await startStack(${JSON.stringify({ ...options, topicPrefix: null })});
        console.log(JSON.stringify([stack.databaseUrl('postgres'), stack.kafkaBrokers]));`;
      const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const identity = identityOf(owner.pid!)!;
      const ended = once(owner, 'exit').then(([code]) => Promise.reject(new Error(`it ended with ${code}`)));
      ended.catch(() => undefined); // later it is to end
      const printed = once(createInterface({ input: owner.stdout }), 'line') as Promise<[string]>;
      const [line] = await Promise.race([printed, ended]);
      const [url, brokers] = JSON.parse(line) as [string, string[]];
      expect(await ask('select count(*)::int as rows from found', url)).toEqual([{ rows: 0 }]);
      expect(await topicFaults(brokers)).toEqual([]);

      owner.kill('SIGKILL');
      const stopped = (states: string) => !states.includes('running');
      await until(() => ownContainers('{{.State}}', identity), stopped, { withinMs: 10_000, everyMs: 250 });
      await sweepContainers();
      expect(ownContainers('{{.Names}}', identity)).toBe('');
    }, 120_000);
  },
);

/** Others may run some beside. */
function ownContainers(format: string, owner = ownIdentity()): string {
  const label = `label=live.tradesense.owner=${JSON.stringify({ host: hostname(), ...owner })}`;
  return String(execFileSync('docker', ['ps', '--all', '--filter', label, '--format', format])).trim();
}
