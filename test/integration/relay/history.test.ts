import { DatabaseCopy } from '../../support/database-copy.js';
import { OutboxWriter } from '../../support/outbox-writers.js';
import type { ServiceProcess } from '../../support/processes.js';
import { RelayScene } from '../../support/relay-scene.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { until } from '../../support/until.js';

const WITHIN = { withinMs: 20_000 };

describe('a relay and the history of its database', () => {
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

  it('publishes nothing after a restore, however long trading has gone on, until the epoch is raised', async () => {
    await append();
    const before = await (await scene.relay('before')).ready();
    await scene.published();
    await before.stop();
    await Promise.all([writer.close(), scene.challenges.close()]);
    const backup = await DatabaseCopy.of(ground.databaseUrl('postgres'));
    writer = await OutboxWriter.open(ground.databaseUrl('postgres'));
    await scene.challenges.reconnect();

    const relay = await (await scene.relay()).ready();
    await append();
    await scene.published();
    const known = published();
    await backup.restore();
    writer = await OutboxWriter.open(ground.databaseUrl('postgres'));
    await scene.challenges.reconnect();
    await refuses(relay, /history_rewound: .*challenge-events\[\d+\] at offset \d+ has position \d+ .*no such row/);
    expect(await gauge(relay, 'history_rewound')).toBe(1);
    expect(relay.logged('history_rewound: nothing is published')).toMatchObject([{ level: 'error' }]);

    for (let round = 0; round < 3; round += 1) await append(); // far beyond where the old history ended
    await refuses(relay, /history_rewound: .*but the outbox has event [0-9a-f-]{36} there/);
    const late = await scene.relay('late');
    await late.ready(); // it stands by, as long as the other one has the lease
    await relay.kill();
    await refuses(late, /history_rewound/);
    expect(published()).toBe(known);

    await writer.query('update stream set epoch = greatest(epoch + 1, extract(epoch from now())::bigint)');
    await writer.query('update writer_challenge set sequence = 0');
    await append();
    const { rows } = await writer.query<{ epoch: number }>('select epoch::int from stream');
    const ofNewEpoch = () => scene.log.numbered(scene.topics.events).filter(({ epoch }) => epoch === rows[0]!.epoch);
    await until(ofNewEpoch, (events) => events.length === scene.challenges.ids.length, WITHIN);
    await late.ready();
    expect(published()).toBe(known + scene.challenges.ids.length);
    expect(await gauge(late, 'history_rewound')).toBe(0);
    // Three rounds of an event and a state each; what the backup had was below the floor already.
    expect(await gauge(late, 'withheld_rows_total')).toBe(3 * 2 * scene.challenges.ids.length);
    await until(
      () => scene.row(),
      ({ floor }) => floor === 5 * 2 * scene.challenges.ids.length, // it has passed them
    );
  });
});
