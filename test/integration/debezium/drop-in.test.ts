import { HEADER, topicsOf } from '@tradesense/contracts';
import { createChallengeClient } from '@tradesense/client';
import type { IncomingRecord } from '@tradesense/kafka';
import type { Stack } from '@tradesense/local';

import { Debezium, guide } from '../../support/debezium.js';
import { given } from '../../support/given.js';
import { GrowingLog } from '../../support/growing-log.js';
import { RelayScene } from '../../support/relay-scene.js';
import { groundOn, privateStack } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { tokens } from '../../support/tokens.js';
import { until } from '../../support/until.js';

const PREFIX = 'tradesense.';
const BESIDE = 'relayed.';

/** What a consumer can see of a record, but its place in the partition and the broker's time. */
const seen = (record: IncomingRecord) => ({
  stream: record.topic.replace(PREFIX, '').replace(BESIDE, ''),
  partition: record.partition,
  key: record.key?.toString('latin1'),
  value: record.value?.toString('latin1'),
  headers: Object.fromEntries(record.headers),
});
const named = (record: IncomingRecord): string => String(record.headers.get(HEADER.id));

describe('Debezium in the place of the relay', () => {
  const { events, state } = topicsOf(PREFIX);
  let stack: Stack;
  let system: System;
  let debezium: Debezium;
  let published: GrowingLog;
  let scene: RelayScene;

  beforeAll(async () => {
    stack = await privateStack({ postgres: { wal_level: 'logical' } });
    await stack.makeTopics(BESIDE);
    debezium = await Debezium.prepare(stack, { topicPrefix: PREFIX });
    [system, scene, published] = await Promise.all([
      System.start(groundOn(stack), { services: ['trade', 'gateway'] }),
      RelayScene.open(groundOn(stack, BESIDE), { challenges: 12 }),
      GrowingLog.open(stack.kafkaBrokers, [events, state]),
      debezium.start(),
    ]);
  });
  afterAll(async () => {
    await scene?.close();
    await published?.close();
    await system?.stop();
    await debezium?.close();
    await stack?.stop();
  });

  it('its gateway serves a page: every figure and event arrives, and freshness is unknown', async () => {
    const { challenge_id, user_id } = await system.api.open();
    await until(() => published.of(state).some(({ key }) => String(key) === challenge_id), Boolean, {
      what: 'the new challenge is in the state topic',
    });
    const page = createChallengeClient({ url: system.gatewayUrl, token: await tokens.user(user_id) });
    const challenge = page.challenge(challenge_id);
    const handled: number[] = [];
    const leave = [challenge.subscribe(() => undefined), challenge.onEvent(({ body }) => handled.push(body.sequence))];
    await until(() => challenge.getSnapshot().snapshot !== null, Boolean, { what: 'the page has its snapshot' });
    const swings = given.swings(9);
    for (const realized_pnl of swings) await system.api.post(challenge_id, { realized_pnl });
    await until(
      () => challenge.getSnapshot().cursor?.sequence,
      (sequence) => sequence === swings.length,
    );
    const { connection, isStale, equityData } = challenge.getSnapshot();
    for (const end of leave) end();

    expect(handled).toEqual(swings.map((_, index) => index + 1));
    expect(equityData?.current_equity).toBe((await system.api.read(challenge_id)).equity.current_equity);
    expect(isStale).toBe(true);
    expect(connection).toMatchObject({ is: 'stale', why: 'starting' });
  });

  it("its records are the relay's: key, value, partition and every header, byte for byte", async () => {
    for (const id of scene.challenges.ids) await writeOddRows(scene, id);
    const { rows } = await scene.challenges.query<{ id: string }>('select id from outbox order by position');
    const relay = await (await scene.relay()).ready();
    const relayed = () => [scene.topics.events, scene.topics.state].flatMap((topic) => scene.log.of(topic));
    await until(
      async () => (await scene.row()).floor,
      (floor) => floor >= rows.length,
      { what: 'the relay has published all of it' },
    );
    await until(() => published.records.length >= rows.length, Boolean, { what: 'Debezium has published all of it' });
    await until(() => relayed().length >= scene.challenges.ids.length * 4, Boolean, { what: 'the log has it' });
    await relay.stop();

    expect(published.records.map(named).sort()).toEqual(rows.map(({ id }) => id).sort());
    const byName = new Map(published.records.map((record) => [named(record), record]));
    for (const record of relayed()) expect(seen(byName.get(named(record))!)).toEqual(seen(record));
  });

  it('ranges are made and emptied under it, and it publishes on', async () => {
    const { query, ids } = scene.challenges;
    await query(`select setval('outbox_position', 5000000)`); // the first range is full
    await writeOddRows(scene, ids[0]!);
    const [move] = guide('move the floor');
    await query(move!, [5_000_000]);
    const [make, empty] = guide('housekeeping');
    expect((await query(make!)).rows).toEqual([{ outcome: 'made', range: expect.any(String) }]);
    expect((await query(empty!.replace('3 days', '0'))).rows).toEqual([{ outcome: 'emptied', range: 'outbox_r0' }]);
    await writeOddRows(scene, ids[1]!);

    const { rows } = await query<{ id: string }>('select id from outbox');
    expect(rows).toHaveLength(8);
    const lacking = () => {
      const known = new Set(published.records.map(named));
      return rows.filter(({ id }) => !known.has(id));
    };
    await until(lacking, ({ length }) => length === 0, { what: 'Debezium has published what is in the table' });
  });
});

/**
 * Rows in which bytes could change on the way: times that end in zeros, text that is no ASCII, JSON with spaces, escapes and a key
 * twice, with a trace and without, up to the largest. The states are of challenges of their own: the relay leaves out what a
 * later state replaces.
 */
async function writeOddRows(scene: RelayScene, challengeId: string): Promise<void> {
  await scene.challenges.query(
    `insert into outbox (id, aggregatetype, aggregateid, type, epoch, sequence, user_id, traceparent, payload, created_at)
     values (gen_random_uuid(), 'challenge-events', $1, 'EQUITY_UPDATED', 1764081978, 1, 'trader', null,
             '{"a" :  "\\u00e9 é 金 😀\\n", "a":1.10}', '2026-11-25 10:00:00+00'),
            (gen_random_uuid(), 'challenge-events', $1, 'RISK_ALERT', 9007199254740991, 2, 'trädér-金', $2,
             '{ }', '2026-11-25 12:30:00.1234+02'),
            (gen_random_uuid(), 'challenge-events', $1, 'EQUITY_UPDATED', 1764081978, 3, '1.0', $2,
             json_build_object('long', repeat('x', 16000)), '2026-11-25 10:00:00.000001+00'),
            (gen_random_uuid(), 'challenge-state', $1, 'CHALLENGE_STATE', 1764081978, 3, '"true"', null,
             '[1, 2]', clock_timestamp())`,
    [challengeId, '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
  );
}
