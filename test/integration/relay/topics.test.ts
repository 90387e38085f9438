import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';

import { topicsOf } from '@tradesense/contracts';
import { freePort } from '@tradesense/local';

import { Kafka, RETRY } from '../../../libs/kafka/src/kafkajs/library.js';
import { inRepository } from '../../support/repository.js';
import { sharedServers } from '../../support/stack.js';
import { until } from '../../support/until.js';

interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

const { kafkaBrokers } = sharedServers();
const TOPIC_PREFIX = `topics-${randomBytes(4).toString('hex')}.`;
const { events, state, watermarks } = topicsOf(TOPIC_PREFIX);

/** As an operator runs it. */
function topics(args: string, env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  const settings = { NODE_ENV: 'production', KAFKA_BROKERS: kafkaBrokers.join(), TOPIC_PREFIX, ...env };
  const command = [inRepository('services/relay/dist/topics.js'), ...args.split(' ')];
  return new Promise((resolve) => {
    const child = execFile(process.execPath, command, { env: settings, timeout: 30_000 }, (_, out, err) =>
      resolve({ code: child.exitCode ?? -1, out, err }),
    );
  });
}

/** Which setting is set to what. Resolves once the broker says so too: it hears of it from the controller. */
async function alter(topic: string, setting: string, value: string): Promise<void> {
  const admin = new Kafka({ brokers: [...kafkaBrokers], retry: RETRY, logLevel: 0 }).admin({ retry: RETRY });
  await admin.connect();
  const topicResource = 2;
  const resource = { type: topicResource, name: topic };
  try {
    await admin.alterConfigs({
      validateOnly: false,
      resources: [{ ...resource, configEntries: [{ name: setting, value }] }],
    });
    await until(async () => {
      const { resources } = await admin.describeConfigs({ includeSynonyms: false, resources: [resource] });
      return resources[0]?.configEntries.find(({ configName }) => configName === setting)?.configValue === value;
    });
  } finally {
    await admin.disconnect();
  }
}

describe('the command `topics`', () => {
  it('names what is missing, makes it, and finds it well', async () => {
    const before = await topics('check');
    expect(before.code).toBe(1);
    for (const { name } of Object.values(topicsOf(TOPIC_PREFIX))) expect(before.out).toContain(`${name} is missing`);
    expect(before.out).toContain('\n    npm run topics -- create --replication 3\n');

    const made = await topics('create --replication 1');
    expect(made).toMatchObject({ code: 0, err: '' });
    expect(made.out.match(/: made$/gm)).toHaveLength(6);
    expect(await topics('check --replication 1')).toEqual({ code: 0, out: '6 topics are well\n', err: '' });
    expect((await topics('create --replication 1')).out).toBe('6 topics are well\n');
  });

  it('tells one fault a line, with what mends it', async () => {
    await alter(state.name, 'cleanup.policy', 'delete'); // which also takes back all other settings of that topic
    const { code, out } = await topics('check --replication 1');
    expect(code).toBe(1);
    expect(out).toContain(`${state.name} has cleanup.policy=delete, expected is compact (unfit)\n    kafka-configs.sh`);
    expect(out).toContain(`${state.name} has message.timestamp.type=CreateTime, expected is LogAppendTime (unfit)\n`);
    expect(out).not.toContain(events.name);
    await topics('create --replication 1');
    expect(await topics('check --replication 1')).toEqual({ code, out, err: '' }); // what is there is not changed
  });

  it('finds one broker unsafe where three are wanted', async () => {
    const { code, out } = await topics('check');
    expect(code).toBe(1);
    expect(out).toContain(`${watermarks.name} has 1 copy, wanted are 3 (unsafe)`);
  });

  it('says why Kafka does not make what it can not make', async () => {
    const { code, err } = await topics('create', { TOPIC_PREFIX: `${TOPIC_PREFIX}more.` });
    expect(code).toBe(69);
    expect(err).toMatch(/^topics: Replication-factor is invalid\n$/);
  });

  it('ends with 69 when Kafka is away', async () => {
    const { code, err } = await topics('check', { KAFKA_BROKERS: `127.0.0.1:${await freePort()}` });
    expect(code).toBe(69);
    expect(err).toMatch(/^topics: .*ECONNREFUSED/);
  });

  it('ends with 78 on settings that can not be, and shows no value', async () => {
    const { code, err } = await topics('check', { KAFKA_SASL_PASSWORD: 'a-password' });
    expect(code).toBe(78);
    expect(err).toContain('KAFKA_SASL_MECHANISM is none');
    expect(err).not.toContain('a-password');
  });

  it.each(['', 'mend', 'check --replication 0', 'check --force'])(
    'ends with 64 on arguments it does not know: %p',
    async (args) => {
      const { code, err } = await topics(args);
      expect(code).toBe(64);
      expect(err).toContain('--replication N');
    },
  );
});
