import { EVENTS, topicsOf } from '@tradesense/contracts';
import { connectPublisher } from '@tradesense/kafka';

import { HistoryScene } from '../../support/history-scene.js';
import { until } from '../../support/until.js';

const WITHIN = { withinMs: 20_000 };

describe('a relay, and rows that are gone', () => {
  let at: HistoryScene;

  beforeEach(async () => {
    at = await HistoryScene.open();
  });
  afterEach(() => at.close());

  it('misses a single row that must be there, and goes on once it is there again', async () => {
    await at.append();
    const before = await (await at.scene.relay('before')).ready();
    await at.scene.published();
    await before.stop();
    await at.writer.query(
      'create table lost as select * from outbox where position = (select max(position) from outbox where aggregatetype = $1)',
      [EVENTS],
    );
    await at.writer.query('delete from outbox where position = (select position from lost)');
    const relay = await at.scene.relay();
    await relay.refuses(/history_rewound: .*no such row.*; 1 of \d+ partitions contradict it/);
    await at.writer.query('insert into outbox select * from lost');
    await relay.ready();
  });

  it('does not mind what retention has taken, from the outbox or from Kafka, nor foreign records', async () => {
    await at.append();
    const before = await (await at.scene.relay('before')).ready();
    await at.scene.published();
    await before.stop();
    await at.writer.query('truncate outbox');
    const { events } = topicsOf(at.ground.topicPrefix);
    const foreigner = connectPublisher({ brokers: at.ground.brokers, clientId: 'foreigner' }, { topics: [events] });
    const records = at.scene.challenges.ids.map((key) => ({ key, value: Buffer.from('hello'), headers: {} }));
    await foreigner.send([{ topic: events.name, records }]);
    await foreigner.close();
    const relay = await (await at.scene.relay()).ready();
    const known = at.published;
    await at.append();
    await until(
      () => at.published,
      (count) => count >= known + at.scene.challenges.ids.length,
      WITHIN,
    );
    expect(await relay.metric('tradesense_relay_history_rewound')).toBe(0);
  });

  it('knows a database that begins anew from one that retention has emptied', async () => {
    await at.append();
    const before = await (await at.scene.relay('before')).ready();
    await at.scene.published();
    await before.stop();
    await at.writer.query('truncate outbox restart identity');
    await at.writer.query('update relay set floor = 0');
    await at.writer.query('update writer_challenge set sequence = 0');
    const relay = await at.scene.relay();
    await relay.refuses(/history_rewound: .*no such row \(positions drawn: up to 0\)/);
    await at.writer.query('update stream set epoch = epoch + 1');
    await relay.ready();
  });
});
