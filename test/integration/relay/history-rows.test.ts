import { EVENTS, topicsOf } from '@tradesense/contracts';
import { connectPublisher } from '@tradesense/kafka';

import { OutboxWriter } from '../../support/outbox-writers.js';
import type { ServiceProcess } from '../../support/processes.js';
import { RelayScene } from '../../support/relay-scene.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { until } from '../../support/until.js';

const WITHIN = { withinMs: 20_000 };

describe('a relay, and rows that are gone', () => {
  let ground: OwnGround;
  let scene: RelayScene;
  let writer: OutboxWriter;

  beforeEach(async () => {
    ground = await openStack();
    scene = await RelayScene.open(ground, { challenges: 30 });
    writer = await OutboxWriter.open(ground.databaseUrl('postgres'));
  });
  afterEach(async () => {
    await scene.processes.stop();
    await writer.close().catch(() => undefined);
    await scene.close();
    await ground.close();
  });

  /** An event and a state of each challenge: enough of them that nearly every partition has one. */
  const append = async (): Promise<void> => {
    for (const id of scene.challenges.ids) await writer.append(id);
  };
  const gauge = async (relay: ServiceProcess, name: string): Promise<number | undefined> => {
    const found = new RegExp(`^tradesense_relay_${name} (\\d+)$`, 'm').exec(await relay.metrics());
    return found === null ? undefined : Number(found[1]);
  };
  const refuses = (relay: ServiceProcess, what: RegExp) =>
    until(
      () => relay.readiness(),
      ({ status, body }) => status === 503 && what.test(body),
      { ...WITHIN, what: `readiness says ${what}` },
    );
  const published = (): number => scene.log.of(scene.topics.events).length;

  it('misses a single row that must be there, and goes on once it is there again', async () => {
    await append();
    const before = await (await scene.relay('before')).ready();
    await scene.published();
    await before.stop();
    await writer.query(
      'create table lost as select * from outbox where position = (select max(position) from outbox where aggregatetype = $1)',
      [EVENTS],
    );
    await writer.query('delete from outbox where position = (select position from lost)');
    const relay = await scene.relay();
    await refuses(relay, /history_rewound: .*no such row.*; 1 of \d+ partitions contradict it/);
    await writer.query('insert into outbox select * from lost');
    await relay.ready();
  });

  it('does not mind what retention has taken, from the outbox or from Kafka, nor foreign records', async () => {
    await append();
    const before = await (await scene.relay('before')).ready();
    await scene.published();
    await before.stop();
    await writer.query('truncate outbox');
    const { events } = topicsOf(ground.topicPrefix);
    const foreigner = connectPublisher({ brokers: ground.brokers, clientId: 'foreigner' }, { topics: [events] });
    const records = scene.challenges.ids.map((key) => ({ key, value: Buffer.from('hello'), headers: {} }));
    await foreigner.send([{ topic: events.name, records }]);
    await foreigner.close();
    const relay = await (await scene.relay()).ready();
    const known = published();
    await append();
    await until(published, (count) => count >= known + scene.challenges.ids.length, WITHIN);
    expect(await gauge(relay, 'history_rewound')).toBe(0);
  });

  it('knows a database that begins anew from one that retention has emptied', async () => {
    await append();
    const before = await (await scene.relay('before')).ready();
    await scene.published();
    await before.stop();
    await writer.query('truncate outbox restart identity');
    await writer.query('update relay set floor = 0');
    await writer.query('update writer_challenge set sequence = 0');
    const relay = await scene.relay();
    await refuses(relay, /history_rewound: .*no such row \(positions drawn: up to 0\)/);
    await writer.query('update stream set epoch = epoch + 1');
    await relay.ready();
  });
});
