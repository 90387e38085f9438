import { execFileSync, spawnSync } from 'node:child_process';

import { topicsOf } from '@tradesense/contracts';
import { connectAdmin } from '@tradesense/kafka';
import { startStack, type Stack } from '@tradesense/local';
import pg from 'pg';

const engineAnswers = spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 10_000 }).status === 0;
const title = 'a stack in containers';

// An engine without Testcontainers' companion image, or reached by another name, needs these; elsewhere they do no harm.
process.env['TESTCONTAINERS_RYUK_DISABLED'] ??= 'true';
process.env['TESTCONTAINERS_HOST_OVERRIDE'] ??= '127.0.0.1';

(engineAnswers ? describe : describe.skip)(
  engineAnswers ? title : `${title} (NOT RUN: no Docker engine answers)`,
  () => {
    let stack: Stack;
    beforeAll(async () => {
      stack = await startStack({ engine: 'docker', links: ['relay'], postgres: { work_mem: '5MB' } });
    }, 240_000);
    afterAll(() => stack.stop());

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
        return await admin.checkTopics(Object.values(topicsOf('tradesense.')));
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
      const running = execFileSync('docker', [
        'ps',
        '--filter',
        'label=live.tradesense.owner',
        '--format',
        '{{.Ports}}',
      ]);
      expect(String(running)).toContain('127.0.0.1:');
      expect(String(running)).not.toMatch(/0\.0\.0\.0:|\[::\]:/);
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
  },
);
