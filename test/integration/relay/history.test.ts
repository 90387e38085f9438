import { DatabaseCopy } from '../../support/database-copy.js';
import { OutboxWriter } from '../../support/outbox-writers.js';
import { HistoryScene } from '../../support/history-scene.js';
import { until } from '../../support/until.js';

const WITHIN = { withinMs: 20_000 };

describe('a relay and the history of its database', () => {
  let at: HistoryScene;

  beforeEach(async () => {
    at = await HistoryScene.open();
  });
  afterEach(() => at.close());

  it('publishes nothing after a restore, however long trading has gone on, until the epoch is raised', async () => {
    await at.append();
    const before = await (await at.scene.relay('before')).ready();
    await at.scene.published();
    await before.stop();
    await Promise.all([at.writer.close(), at.scene.challenges.close()]);
    const backup = await DatabaseCopy.of(at.ground.databaseUrl('postgres'));
    at.writer = await OutboxWriter.open(at.ground.databaseUrl('postgres'));
    await at.scene.challenges.reconnect();

    const relay = await (await at.scene.relay()).ready();
    await at.append();
    await at.scene.published();
    const known = at.published;
    await backup.restore();
    at.writer = await OutboxWriter.open(at.ground.databaseUrl('postgres'));
    await at.scene.challenges.reconnect();
    await relay.refuses(/history_rewound: .*challenge-events\[\d+\] at offset \d+ has position \d+ .*no such row/);
    expect(await relay.metric('tradesense_relay_history_rewound')).toBe(1);
    expect(relay.logged('history_rewound: nothing is published')).toMatchObject([{ level: 'error' }]);

    for (let round = 0; round < 3; round += 1) await at.append(); // far beyond where the old history ended
    await relay.refuses(/history_rewound: .*but the outbox has event [0-9a-f-]{36} there/);
    const late = await at.scene.relay('late');
    await late.ready(); // it stands by, as long as the other one has the lease
    await relay.kill();
    await late.refuses(/history_rewound/);
    expect(at.published).toBe(known);

    await at.writer.query('update stream set epoch = greatest(epoch + 1, extract(epoch from now())::bigint)');
    await at.writer.query('update writer_challenge set sequence = 0');
    await at.append();
    const { rows } = await at.writer.query<{ epoch: number }>('select epoch::int from stream');
    const ofNewEpoch = () =>
      at.scene.log.numbered(at.scene.topics.events).filter(({ epoch }) => epoch === rows[0]!.epoch);
    await until(ofNewEpoch, (events) => events.length === at.scene.challenges.ids.length, WITHIN);
    await late.ready();
    expect(at.published).toBe(known + at.scene.challenges.ids.length);
    expect(await late.metric('tradesense_relay_history_rewound')).toBe(0);
    // Three rounds of an event and a state each; what the backup had was below the floor already.
    expect(await late.metric('tradesense_relay_withheld_rows_total')).toBe(3 * 2 * at.scene.challenges.ids.length);
    await until(
      () => at.scene.row(),
      ({ floor }) => floor === 5 * 2 * at.scene.challenges.ids.length, // it has passed them
    );
  });
});
