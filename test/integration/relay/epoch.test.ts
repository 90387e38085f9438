import { EVENTS, STATE } from '@tradesense/contracts';

import { OutboxWriter } from '../../support/outbox-writers.js';
import type { ServiceProcess } from '../../support/processes.js';
import { RelayScene } from '../../support/relay-scene.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { until } from '../../support/until.js';

const WITHIN = { withinMs: 20_000 };
/** More than the topic takes, and than `append` lets through. */
const TOO_LARGE = JSON.stringify('x'.repeat(1_100_000));

describe('a new epoch', () => {
  let ground: OwnGround;
  let scene: RelayScene;
  let writer: OutboxWriter;
  let relay: ServiceProcess;
  let epoch: number;

  beforeAll(async () => {
    ground = await openStack();
    scene = await RelayScene.open(ground, { challenges: 12 });
    writer = await OutboxWriter.open(ground.databaseUrl('postgres'));
    relay = await (await scene.relay()).ready();
  });
  afterAll(async () => {
    await scene.processes.stop();
    await writer.close();
    await scene.close();
    await ground.close();
  });

  const came = (stream: 'events' | 'state', of: number) =>
    scene.log.numbered(scene.topics[stream]).filter((record) => record.epoch === of);
  const counter = async (name: string): Promise<number> =>
    Number(
      new RegExp(`^tradesense_relay_${name.replace(/[{}]/g, '\\$&')} (\\d+)$`, 'm').exec(await relay.metrics())?.[1],
    );
  /** As the trade service's sweep does it: every challenge that exists gets the new epoch and a state of it. */
  const sweep = async (ids: readonly string[]): Promise<void> => {
    await writer.query('update writer_challenge set sequence = 0 where id = any($1)', [ids]);
    for (const id of ids) await writer.append(id);
  };
  const [kept, gone] = [() => scene.challenges.ids.slice(0, 8), () => scene.challenges.ids.slice(8)];

  it('begins: rows of the last one are withheld and counted, those of the new one flow', async () => {
    for (const id of scene.challenges.ids) await writer.append(id);
    await scene.published();
    const { rows } = await writer.query<{ epoch: number }>(
      'update stream set epoch = greatest(epoch + 1, extract(epoch from now())::bigint) returning epoch::int',
    );
    epoch = rows[0]!.epoch;
    await sweep(kept());
    await until(
      () => came('events', epoch).length,
      (count) => count === kept().length,
      WITHIN,
    );
    const old = came('events', 1).length;
    await writer.query(
      `insert into outbox (id, aggregatetype, aggregateid, type, epoch, sequence, user_id, payload)
       select gen_random_uuid(), stream, id, 'EQUITY_UPDATED', 1, 2, 'trader', '{}'
       from unnest($1::text[]) id cross join (values ($2), ($3)) streams (stream)`,
      [scene.challenges.ids, EVENTS, STATE],
    );
    await until(
      () => counter('withheld_rows_total'),
      (withheld) => withheld === 2 * scene.challenges.ids.length,
      WITHIN,
    );
    await writer.append(kept()[0]!);
    await until(
      () => came('events', epoch).length,
      (count) => count === kept().length + 1,
      WITHIN,
    );
    expect(came('events', 1)).toHaveLength(old);
    expect((await relay.readiness()).status).toBe(200);
  });

  it('clears the states that have no successor once it is swept, and remembers that, over a restart too', async () => {
    const tombstones = (): readonly string[] =>
      scene.log.of(scene.topics.state).flatMap(({ key, value }) => (value === null ? [String(key)] : []));
    expect(tombstones()).toEqual([]);
    await writer.query('update stream set swept = epoch');
    // An idle relay looks every ten seconds, one that publishes every second.
    const written = () => writer.append(kept()[0]!);
    await until(
      () => written().then(tombstones),
      (found) => found.length === gone().length,
      { ...WITHIN, everyMs: 300 },
    );
    expect([...tombstones()].sort()).toEqual([...gone()].sort());
    const cleared = () =>
      writer.query<{ swept: number }>('select swept::int from relay').then(({ rows }) => rows[0]?.swept);
    await until(cleared, (swept) => swept === epoch, WITHIN);
    expect(await counter('state_tombstones_total{why="epoch"}')).toBe(gone().length);

    await relay.stop();
    relay = await (await scene.relay('after')).ready();
    await writer.append(kept()[0]!);
    await until(
      () => came('events', epoch).length,
      (count) => count > kept().length,
      WITHIN,
    );
    expect(tombstones()).toHaveLength(gone().length);
  });

  it('drops what was parked in the last one, and lets nothing of the new one wait for it', async () => {
    const [poisoned] = kept() as [string];
    await writer.append(poisoned, TOO_LARGE);
    const parked = () => writer.query('select from parked').then(({ rows }) => rows.length);
    await until(parked, (count) => count === 1, WITHIN);
    await writer.query('update stream set epoch = epoch + 1');
    epoch += 1;
    await sweep([poisoned]);
    await until(parked, (count) => count === 0, WITHIN);
    await until(
      () => came('events', epoch).length,
      (count) => count === 1,
      WITHIN,
    );
  });
});
