import { randomInt } from 'node:crypto';

import { createLogger, createMetrics, systemClock, type Clock } from '@tradesense/platform';

import {
  Housekeeper,
  housekeepingMetrics,
  type HousekeeperOptions,
} from '../../../services/relay/src/housekeeping/index.js';
import { HeldClock } from '../../support/held-clock.js';
import { contiguousPerChallenge, handledOnce, sameSet } from '../../support/invariants.js';
import { SmallRanges } from '../../support/outbox-ranges.js';
import { OutboxWriter, chanceOf, writeInDisorder } from '../../support/outbox-writers.js';
import { RelayScene } from '../../support/relay-scene.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { until } from '../../support/until.js';

const MINUTE = 60_000;
const NEVER_MS = String(24 * 60 * MINUTE);

/** One that runs in this process, in ranges of a few rows. */
class Keeping {
  readonly lines: { readonly msg: string }[] = [];
  readonly housekeeper: Housekeeper;
  readonly outcomes: string[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor(url: string, clock: Clock, options: Partial<HousekeeperOptions>) {
    const destination = { write: (line: string) => void this.lines.push(JSON.parse(line) as { msg: string }) };
    this.housekeeper = new Housekeeper({
      url,
      everyMs: MINUTE,
      retentionMs: 0,
      diskBytes: 0,
      metrics: { stepped: (outcome) => this.outcomes.push(outcome) },
      clock,
      log: createLogger({ service: 'x', instance: 'x', level: 'info', destination }),
      nextDelayMs: () => 20,
      ...options,
    });
    this.#running = this.housekeeper.run(this.#stop.signal);
  }

  said(msg: string): number {
    return this.lines.filter((line) => line.msg === msg).length;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}

describe('a relay that keeps house', () => {
  let ground: OwnGround;
  let scene: RelayScene;
  let writer: OutboxWriter;

  beforeAll(async () => {
    ground = await openStack();
    scene = await RelayScene.open(ground);
    writer = await OutboxWriter.open(ground.databaseUrl('postgres'));
  });
  afterAll(async () => {
    await writer?.close();
    await scene?.close();
    await ground?.close();
  });

  it('reports the row that found no range, makes ranges above it, and publishes it once (P16)', async () => {
    await writer.query(`select setval('outbox_position', 15000000)`); // the last of the first three ranges
    await writer.append(scene.challenges.ids[0]!);
    const relay = await (
      await scene.relay('relay', { HOUSEKEEPING_MS: '100', OUTBOX_DISK_BYTES: '1000000000' })
    ).ready();
    const metric = (name: string) => () => relay.metric(`tradesense_relay_${name}`);
    await until(metric('ranges_ahead'), (ahead) => ahead === 3);
    expect(await metric('default_rows')()).toBe(2);
    expect(relay.logged('rows in the DEFAULT: housekeeping was late')).toHaveLength(1);
    expect(await metric('outbox_bytes')()).toBeGreaterThan(0);
    await until(metric('outbox_hours_left'), (hours) => hours !== undefined);

    await writer.append(scene.challenges.ids[0]!);
    expect(handledOnce(await scene.published())).toEqual([]);
  });

  it('goes on housekeeping on another connection when its own is lost, and leads on', async () => {
    const { generation } = await scene.row();
    const session = async (): Promise<number | undefined> => {
      const { rows } = await writer.query<{ pid: number }>(
        `select pid from pg_stat_activity where application_name = 'tradesense-relay-housekeeping' and datname = current_database()`,
      );
      return rows[0]?.pid;
    };
    const first = await until(session);
    await writer.query('select pg_terminate_backend($1)', [first]);
    await until(session, (pid) => pid !== undefined && pid !== first);
    await writer.query(`select setval('outbox_position', 30000000)`);
    const leader = (await scene.relays.leader())!;
    await until(
      () => leader.metric('tradesense_relay_ranges_ahead'),
      (ahead) => ahead === 3,
    );
    expect((await scene.row()).generation).toBe(generation);
  });

  it('is the leader alone', async () => {
    const standby = await (await scene.relay('standby', { HOUSEKEEPING_MS: '100' })).ready();
    expect(await standby.metrics()).not.toMatch(/^tradesense_relay_(ranges_ahead|default_rows|outbox_bytes)/m);
  });
});

describe('housekeeping beside a relay, in small ranges', () => {
  const ROWS = 300;
  let ground: OwnGround;
  let scene: RelayScene;
  let ranges: SmallRanges;
  let keeping: Keeping | undefined;

  beforeAll(async () => {
    ground = await openStack();
    scene = await RelayScene.open(ground);
    ranges = await SmallRanges.open(ground.databaseUrl('postgres'), ROWS);
    // Its own housekeeper passes once and finds nothing to do; a later one would make ranges of its own size.
    const relay = await (await scene.relay('relay', { HOUSEKEEPING_MS: NEVER_MS })).ready();
    await until(
      () => relay.metric('tradesense_relay_ranges_ahead'),
      (ahead) => ahead === 3,
      { what: 'its one pass has ended' },
    );
  });
  afterEach(() => keeping?.stop());
  afterAll(async () => {
    await ranges?.close();
    await scene?.close();
    await ground?.close();
  });

  const keep = (clock: Clock, options: Partial<HousekeeperOptions> = {}): Keeping =>
    (keeping = new Keeping(ground.databaseUrl('relay'), clock, { rangeRows: ROWS, ...options }));
  /** Until a pass that began after now has ended. */
  const pass = async (by: Keeping, clock: HeldClock): Promise<void> => {
    const before = by.housekeeper.ranges;
    await clock.advance(MINUTE);
    await until(
      () => by.housekeeper.ranges,
      (now) => now !== undefined && now !== before,
    );
  };
  const floorAt = (position: number) =>
    until(
      async () => (await scene.row()).floor,
      (floor) => floor >= position,
      { what: `the floor is at ${position}` },
    );
  /** Of challenges; rows that only fill ranges are nobody's. */
  const published = () =>
    scene.log.numbered(scene.topics.events).filter(({ challenge_id }) => challenge_id !== 'nobody');

  it('keeps what a transaction of an hour ago may still write, and that is published (P14)', async () => {
    const clock = new HeldClock();
    const tidy = keep(clock);
    await until(() => tidy.housekeeper.ranges);
    const [drawn, undrawn] = scene.challenges.ids as [string, string];
    const early = await OutboxWriter.open(ground.databaseUrl('postgres'));
    const late = await OutboxWriter.open(ground.databaseUrl('postgres'));
    for (const writer of [early, late]) await writer.begin();
    await early.append(drawn); // its position lies in the first range from now on
    const [held] = await ranges.all();
    await ranges.insert(2 * ROWS);
    for (let minute = 0; minute < 60; minute += 1) await pass(tidy, clock);
    expect(await ranges.count(held!.leaf)).toBeGreaterThan(0);
    expect(tidy.outcomes).not.toContain('emptied');

    await late.append(undrawn);
    for (const writer of [early, late]) await writer.commit();
    await Promise.all([early.close(), late.close()]);
    await until(published, (events) => [drawn, undrawn].every((id) => events.some((e) => e.challenge_id === id)));

    await ranges.insert(2 * ROWS);
    await floorAt(held!.high!);
    await until(
      async () => {
        await pass(tidy, clock);
        return (await ranges.all()).some(({ leaf }) => leaf === held!.leaf);
      },
      (isThere) => !isThere,
      { what: 'the range is emptied and dropped once nobody needs it' },
    );
  });

  it('loses nothing of writers in disorder although every range goes as soon as it may, and the leader is killed', async () => {
    const seed = Number(process.env['SEED'] ?? randomInt(2 ** 31));
    console.log(`SEED=${seed}`);
    const tidy = keep(systemClock, { everyMs: 20 });
    const writing = writeInDisorder(ground.databaseUrl('postgres'), scene.challenges.ids, {
      chance: chanceOf(seed),
      writers: 30,
      transactions: 14,
    });
    await until(
      () => new Set(tidy.outcomes),
      (outcomes) => ['made', 'emptied', 'dropped'].every((outcome) => outcomes.has(outcome)),
    );
    await (await scene.relays.leader())?.kill(); // what it had published since it saved is read again by the next one
    await (await scene.relay('next', { HOUSEKEEPING_MS: NEVER_MS })).ready();
    await writing;
    const { rows } = await ranges.query<{ challenge_id: string; epoch: number; sequence: number }>(
      `select c.id as challenge_id, 1 as epoch, n as sequence from writer_challenge c, generate_series(1, c.sequence::integer) n`,
    );
    await until(
      () => sameSet(rows, published()),
      (faults) => faults.length === 0,
      { what: 'Kafka has all that was ever committed' },
    );
    expect(contiguousPerChallenge(published())).toEqual([]);
    expect(rows.length).toBeGreaterThan(500);
  });

  it('says that rows lie in the DEFAULT when it begins, and every hour again', async () => {
    const clock = new HeldClock();
    const tidy = keep(clock, { retentionMs: 3_600_000 });
    await until(() => tidy.housekeeper.ranges);
    await ranges.drawUpTo((await ranges.all()).at(-2)!.high!);
    await ranges.insert(3);
    for (let minute = 0; minute < 130; minute += 1) await pass(tidy, clock);
    expect(tidy.said('rows in the DEFAULT: housekeeping was late')).toBe(3);
  });

  it('tells from growth and size how many hours the disk lasts', async () => {
    const clock = new HeldClock();
    const metrics = createMetrics('relay');
    const tidy = keep(clock, { diskBytes: 100_000_000, retentionMs: 3_600_000 });
    housekeepingMetrics(metrics, () => tidy.housekeeper.ranges);
    const hoursLeft = async (): Promise<number> => {
      const [, value] = /^tradesense_relay_outbox_hours_left (\S+)$/m.exec(await metrics.registry.metrics()) ?? [];
      return Number(value);
    };
    await until(() => tidy.housekeeper.ranges);
    const before = tidy.housekeeper.ranges!.bytes;
    expect(await hoursLeft()).toBeNaN(); // one sample says nothing about growth
    await pass(tidy, clock);
    await ranges.insert(20_000);
    await pass(tidy, clock);
    const { bytes } = tidy.housekeeper.ranges!;
    expect(bytes).toBeGreaterThan(before + 1_000_000);
    expect(await hoursLeft()).toBeCloseTo((100_000_000 - bytes) / (((bytes - before) * 60) / 2), 1);
    expect(tidy.said('the disk of the outbox will be full')).toBe(1);
  });
});

describe('housekeeping without PostgreSQL', () => {
  it('tries on, says so once, and ends when it is told to', async () => {
    let tries = 0;
    const nextDelayMs = (): number => {
      tries += 1;
      return 1;
    };
    const keeping = new Keeping('postgres://relay:relay@127.0.0.1:1/x', systemClock, { nextDelayMs });
    await until(() => tries > 5);
    await keeping.stop();
    expect(keeping.lines.map(({ msg }) => msg)).toEqual(['housekeeping interrupted']);
    expect(keeping.housekeeper.ranges).toBeUndefined();
  });
});
