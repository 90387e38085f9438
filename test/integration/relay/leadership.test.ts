import { randomInt } from 'node:crypto';

import type { Watermark } from '@tradesense/contracts';

import { chanceOf, writeInDisorder } from '../../support/outbox-writers.js';
import type { ServiceProcess } from '../../support/processes.js';
import { LEASE_MS, RelayScene } from '../../support/relay-scene.js';
import { leads } from '../../support/relays.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { until } from '../../support/until.js';

describe('two relays', () => {
  let ground: OwnGround;
  let scene: RelayScene;
  let leader: ServiceProcess;
  let standby: ServiceProcess;

  beforeAll(async () => {
    ground = await openStack();
    scene = await RelayScene.open(ground);
    leader = await (await scene.relay('first')).ready();
    standby = await (await scene.relay('second')).ready();
  });
  afterAll(async () => {
    await scene.close();
    await ground.close();
  });

  const write = (transactions = 5): Promise<void> =>
    writeInDisorder(ground.databaseUrl('postgres'), scene.challenges.ids, {
      chance: chanceOf(randomInt(2 ** 31)),
      writers: 8,
      transactions,
    });
  /** The standby leads: now it is the leader. */
  const change = async (): Promise<void> => {
    await until(() => leads(standby), Boolean, { withinMs: 3 * LEASE_MS + 2_000, what: 'the standby leads' });
    [leader, standby] = [standby, leader];
  };
  const watermarks = (): readonly Watermark[] =>
    scene.log.of(scene.topics.watermarks).map(({ value }) => JSON.parse(String(value)) as Watermark);

  it('are one leader and one standby, both ready', async () => {
    expect([await leads(leader), await leads(standby)]).toEqual([true, false]);
    await until(() => standby.logged('standing by').length > 0); // it is ready before it has asked for the lease
    expect(standby.logged('standing by')).toHaveLength(1);
    expect((await standby.metrics()).match(/^tradesense_relay_(lag|as_of_age)_seconds/m)).toBeNull();
  });

  it('say, while one leads, how far Kafka has everything: no watermark is ahead of the topics', async () => {
    await write();
    const events = await scene.published();
    const { rows } = await scene.challenges.query<{ last: string }>('select max(position)::text as last from outbox');
    const last = await until(
      () => watermarks().at(-1),
      (watermark) => watermark?.floor === rows[0]?.last,
    );
    const ends = last!.ends.events.reduce((sum, end) => sum + Number(end), 0);
    expect(ends).toBe(events.length);
    expect(last!.parked).toEqual([]);
    expect(last!.as_of <= last!.at.replace('Z', '999Z')).toBe(true);
    expect(watermarks().map(({ as_of }) => as_of)).toEqual([...watermarks().map(({ as_of }) => as_of)].sort());
  });

  it('lose nothing when the leader is killed among writers: the standby goes on from the floor', async () => {
    const before = scene.log.numbered(scene.topics.events).length;
    const writing = write(10);
    await until(() => scene.log.numbered(scene.topics.events).length > before + 20);
    await leader.kill();
    await Promise.all([writing, change()]);
    await scene.published();
    standby = await (await scene.relay('third')).ready();
  });

  it('hand over in order: the floor is saved, and the next one is let in before the lease would end', async () => {
    await write();
    await scene.published();
    const { code } = await leader.stop();
    expect(code).toBe(0);
    const [handedOver] = leader.logged('lease handed over');
    expect(Number(handedOver?.['floor'])).toBe((await scene.row()).floor);
    await change();
    standby = await (await scene.relay('fourth')).ready();
  });

  it('let a leader that was stopped past its lease save nothing when it comes back (P21)', async () => {
    leader.freeze();
    await change();
    await write();
    await scene.published();
    const { owner, generation } = await until(
      () => scene.row(),
      ({ floor }) => floor > 0,
    );
    const zombie = standby;
    zombie.thaw();
    await until(() => zombie.logged('lease lost').length + zombie.logged('standing by').length > 0, Boolean, {
      what: 'the one that was stopped notices',
    });
    await write(2);
    await scene.published();
    expect(await scene.row()).toMatchObject({ owner, generation });
    expect(await leads(zombie)).toBe(false);
  });
});
