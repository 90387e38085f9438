import { readFileSync } from 'node:fs';

import { EVENTS, HEADER, topicsOf } from '@tradesense/contracts';
import { connectAdmin } from '@tradesense/kafka';

import type { ServiceProcess } from '../../support/processes.js';
import { RelayScene } from '../../support/relay-scene.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { until } from '../../support/until.js';

const DAY_MS = 86_400_000;

describe('what Kafka, its client and its age lay for the relay', () => {
  let ground: OwnGround;
  let scene: RelayScene;
  let relay: ServiceProcess;

  beforeAll(async () => {
    ground = await openStack();
    scene = await RelayScene.open(ground);
    // As in production, where idle is idle.
    relay = await scene.relays.start('relay', {
      env: { LEASE_MS: '10000', SAVE_MS: '1000', WATERMARK_MS: '1000' },
      preload: 'test/dist/support/timer-watch.js',
    });
    await relay.ready();
  });
  afterAll(async () => {
    await scene?.close();
    await ground?.close();
  });

  it('runs as in production, whatever Jest runs as (K6)', async () => {
    expect(process.env['NODE_ENV']).toBe('test');
    // It is ready as a standby, too.
    const { owner } = await until(
      () => scene.row(),
      (row) => row.owner !== null,
    );
    const pid = owner!.split('-').at(-2)!;
    const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    expect(environment).toContain('NODE_ENV=production');
    expect(environment.filter((line) => line.startsWith('NODE_OPTIONS='))).toEqual([]);
  });

  it('gives a record the time at which it was published, and its event its own (K16)', async () => {
    const challengeId = 'late';
    const { rows } = await scene.challenges.query<{ created_at: Date }>(
      `insert into outbox (id, aggregatetype, aggregateid, type, epoch, sequence, user_id, payload, created_at)
       values (gen_random_uuid(), $1, $2, 'EQUITY_UPDATED', 1, 1, 'trader', '{}', now() - interval '2 days')
       returning created_at`,
      [EVENTS, challengeId],
    );
    const record = await until(
      () => scene.log.of(scene.topics.events).find(({ key }) => String(key) === challengeId)!,
      (found) => found !== undefined,
    );
    expect(Math.abs(record.timestampMs - Date.now())).toBeLessThan(60_000);
    const eventMs = Date.parse(String(record.headers.get(HEADER.time)));
    expect(eventMs).toBe(rows[0]!.created_at.getTime());
    expect(record.timestampMs - eventMs).toBeGreaterThan(2 * DAY_MS - 60_000);
  });

  it('makes hardly any timers while nothing happens, and none for less than nothing (K7)', async () => {
    const told = () => relay.logged('timers') as unknown as readonly { made: number; negative: number }[];
    const before = told().length + 1;
    const seconds = (await until(told, (lines) => lines.length >= before + 5, { what: 'five quiet seconds' })).slice(
      before,
    );
    expect(seconds.reduce((sum, { made }) => sum + made, 0) / seconds.length).toBeLessThan(50);
    expect(told().reduce((sum, { negative }) => sum + negative, 0)).toBe(0);
    expect(relay.lines.filter((line) => line.includes('Warning'))).toEqual([]);
  });

  it('is not ready where a topic has another partition count than keys were spread over, and names it (K10)', async () => {
    const prefix = `${ground.topicPrefix}grown.`;
    const { events, ...others } = topicsOf(prefix);
    const admin = connectAdmin({ brokers: ground.brokers, clientId: 'grown' });
    await admin.ensureTopics([...Object.values(others), { ...events, partitions: 13 }]).finally(() => admin.close());
    const grown = await scene.relay('grown', { TOPIC_PREFIX: prefix });
    const { body } = await until(
      () => grown.readiness(),
      ({ status, body: said }) => status === 503 && !said.includes('connecting'),
    );
    expect(body).toContain(`topic ${events.name} has 13 partitions, configured are 12`);
    await grown.stop();
  });
});
