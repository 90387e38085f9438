import pg from 'pg';

import { readRows } from '../../../services/relay/src/reading/statements.js';
import { SmallRanges, insertsDuring, percentile } from '../../support/outbox-ranges.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { until } from '../../support/until.js';

const ROWS = 1_000;
const LOCK_TIMEOUT_MS = 200;
/** What a busy machine adds. The naive solution waits as long as somebody holds a lock, which is HELD_MS here. */
const SLACK_MS = 1_800;
const HELD_MS = 3_000;

interface Step {
  readonly outcome: string;
  readonly range: string | null;
}

describe('the outbox in ranges, on real PostgreSQL', () => {
  let ground: OwnGround;
  let ranges: SmallRanges;
  let relay: pg.Client;
  let reader: pg.Client;

  const connect = async (role: 'relay' | 'trade' | 'postgres'): Promise<pg.Client> => {
    const client = new pg.Client({ connectionString: ground.databaseUrl(role) });
    await client.connect();
    return client;
  };

  beforeEach(async () => {
    ground = await openStack({ topics: false });
    ranges = await SmallRanges.open(ground.databaseUrl('postgres'), ROWS);
    relay = await connect('relay');
    reader = await connect('relay');
  });
  afterEach(async () => {
    await Promise.all([ranges?.close(), relay?.end(), reader?.end()]);
    await ground?.close();
  });

  const step = async (call: string): Promise<Step> => {
    const { rows } = await relay.query<Step>(`select outcome, range from ${call}`);
    return rows[0]!;
  };
  const make = () => step(`outbox_make_range(3, ${ROWS})`);
  const empty = (retention = '0') => step(`outbox_empty_range('${retention}')`);
  const drop = () => step('outbox_drop_range()');
  const standing = async () => {
    const { rows } = await relay.query<{ ranges_ahead: number; default_rows: number }>(
      'select ranges_ahead, default_rows from outbox_standing()',
    );
    return rows[0]!;
  };
  /** Rows through the first range and a little further. */
  const fillFirst = async (): Promise<string> => {
    const first = (await ranges.all())[0]!.leaf;
    await ranges.insert(ROWS + 10);
    return first;
  };

  describe('ahead of the writers', () => {
    it('makes ranges until three lie ahead, each where the last one ends, like the others in every constraint', async () => {
      expect(await make()).toEqual({ outcome: 'done', range: null });
      await ranges.insert(ROWS + 1);
      expect(await standing()).toEqual({ ranges_ahead: 1, default_rows: 0 });
      expect(await make()).toMatchObject({ outcome: 'made' });
      expect(await make()).toMatchObject({ outcome: 'made' });
      expect(await make()).toEqual({ outcome: 'done', range: null });

      const bounds = (await ranges.all()).filter(({ low }) => low !== null);
      expect(bounds).toHaveLength(5);
      for (const [index, { low }] of bounds.entries()) if (index > 0) expect(low).toBe(bounds[index - 1]!.high);
      const { rows } = await ranges.query<{ constraints: string }>(
        `select distinct string_agg(pg_get_constraintdef(c.oid), ';' order by pg_get_constraintdef(c.oid)) as constraints
         from pg_constraint c join outbox_range r on c.conrelid = r.leaf group by r.leaf`,
      );
      expect(rows).toHaveLength(1);
      await ranges.insert(ROWS * 2);
      expect(await standing()).toMatchObject({ default_rows: 0 });
    });

    it('stops no insert while a reader’s transaction keeps it from its locks, and goes on after that (P16)', async () => {
      await ranges.insert(ROWS + 1);
      await reader.query('begin');
      await reader.query('select count(*) from outbox');
      const outcomes: string[] = [];
      const { tookMs, faults } = await insertsDuring(ground.databaseUrl('postgres'), 3, async () => {
        const end = performance.now() + HELD_MS;
        while (performance.now() < end) outcomes.push((await make()).outcome);
      });
      expect(faults).toEqual([]);
      expect(new Set(outcomes)).toEqual(new Set(['busy']));
      expect(tookMs.at(-1)).toBeLessThan(LOCK_TIMEOUT_MS + SLACK_MS);
      expect(percentile(tookMs, 0.5)).toBeLessThan(LOCK_TIMEOUT_MS / 2); // most do not wait for the lock at all
      await reader.query('rollback');
      expect(await make()).toMatchObject({ outcome: 'made' });
    });

    it('begins above what lies in the DEFAULT, without which every attempt would fail (P16)', async () => {
      const end = (await ranges.all()).at(-2)!.high!;
      await ranges.drawUpTo(end + 5);
      await ranges.insert(3);
      expect(await standing()).toEqual({ ranges_ahead: 0, default_rows: 3 });
      await until(make, ({ outcome }) => outcome === 'done');
      expect(await standing()).toEqual({ ranges_ahead: 3, default_rows: 3 });
      expect((await ranges.all()).at(-4)!.low).toBeGreaterThan(end + 8);
      await ranges.insert(2 * ROWS); // through the gap, and into the first of them
      expect(await ranges.count('outbox')).toBe(2 * ROWS + 3);
    });

    it('fails no insert that was on its way to the DEFAULT when a range came', async () => {
      await ranges.drawUpTo((await ranges.all()).at(-2)!.high!);
      const { tookMs, faults } = await insertsDuring(ground.databaseUrl('postgres'), 6, async () => {
        for (let count = 0; count < 15; count += 1) {
          await until(make, ({ outcome }) => outcome === 'done', { everyMs: 1 });
          await ranges.drawUpTo((await ranges.all()).at(-2)!.high! + 1);
        }
      });
      expect(faults).toEqual([]);
      expect(tookMs.at(-1)).toBeLessThan(LOCK_TIMEOUT_MS + SLACK_MS);
      expect(await ranges.count('outbox')).toBe(tookMs.length * 2);
    });

    it('does not search a DEFAULT that holds much while writers wait for it', async () => {
      await ranges.drawUpTo((await ranges.all()).at(-2)!.high!);
      await ranges.query(
        `insert into outbox (id, aggregatetype, aggregateid, type, epoch, sequence, user_id, payload)
         select gen_random_uuid(), 'challenge-events', 'a', 'b', 1, n, 'u', to_json(repeat('x', 1800)) from generate_series(1, 10000) n`,
      );
      const searched: string[] = [];
      const owner = await connect('postgres');
      owner.on('notice', ({ message }) => void searched.push(message ?? ''));
      await owner.query('set client_min_messages = debug1');
      const outcomes: string[] = [];
      for (let outcome = ''; outcome !== 'done'; outcomes.push(outcome)) {
        const { rows } = await owner.query<Step>(`select outcome from outbox_make_range(3, ${ROWS})`);
        outcome = rows[0]!.outcome;
        if (outcome === 'made') expect(searched).not.toContain('verifying table "outbox_default"');
        searched.length = 0;
      }
      await owner.end();
      expect(outcomes.slice(0, 3)).toEqual(['bound', 'validated', 'made']);
      await ranges.insert(ROWS); // the bound that helped is gone: nothing is refused
      expect(await standing()).toMatchObject({ ranges_ahead: expect.any(Number) as number, default_rows: 1_000 });
    });

    it('takes back a bound that nobody came to use, before it refuses a row', async () => {
      await ranges.query(
        `alter table outbox_default add constraint outbox_default_bound check (position < 9000) not valid`,
      );
      await ranges.drawUpTo(8_900);
      expect(await make()).toEqual({ outcome: 'unbound', range: null });
      await ranges.insert(200);
      expect(await standing()).toMatchObject({ default_rows: 200 });
    });
  });

  describe('behind everybody', () => {
    it('empties a range, and drops it when it is empty, once everything in it is published and old enough', async () => {
      const first = await fillFirst();
      await ranges.publish();
      expect(await empty('1 hour')).toMatchObject({ outcome: 'done' }); // too young
      await ranges.query(`update ${first} set created_at = created_at - interval '2 hours'`);
      expect(await empty('1 hour')).toEqual({ outcome: 'emptied', range: first });
      expect(await ranges.count(first)).toBe(0);
      expect(await empty('1 hour')).toMatchObject({ outcome: 'done' });
      expect(await drop()).toEqual({ outcome: 'dropped', range: first });
      expect(await drop()).toMatchObject({ outcome: 'done' });
      expect(await ranges.count('outbox')).toBe(10);
    });

    it('goes by the newest row: a range whose last row is young stays', async () => {
      const first = await fillFirst();
      await ranges.publish();
      await ranges.query(
        `update ${first} set created_at = created_at - interval '2 hours' where position < (select max(position) from ${first})`,
      );
      expect(await empty('1 hour')).toMatchObject({ outcome: 'done' });
    });

    it('keeps what is not published', async () => {
      const first = await fillFirst();
      await ranges.setFloor((await ranges.all())[0]!.high! - 2); // all but its last position
      expect(await empty()).toMatchObject({ outcome: 'done' });
      expect(await drop()).toMatchObject({ outcome: 'done' });
      expect(await ranges.count(first)).toBe(ROWS);
    });

    it('keeps what a parked challenge waits for', async () => {
      const first = await fillFirst();
      await ranges.publish();
      const last = (await ranges.all())[0]!.high! - 1;
      const park = (position: number) =>
        ranges.query(
          `insert into parked (challenge_id, first_position, event_id, stream, type, epoch, sequence, reason)
           values ('a', $1, gen_random_uuid(), 'challenge-events', 'b', 1, 1, 'too large')`,
          [position],
        );
      await park(last);
      expect(await empty()).toMatchObject({ outcome: 'done' });
      await ranges.query('delete from parked');
      await park(last + 1); // in the next one
      expect(await empty()).toEqual({ outcome: 'emptied', range: first });
    });

    it('keeps a range in which somebody still writes, whatever the floor says', async () => {
      const first = await fillFirst();
      await ranges.publish();
      await ranges.query('begin');
      await ranges.query(`lock table ${first} in row exclusive mode`); // what an insert holds to the end of its transaction
      expect(await empty()).toMatchObject({ outcome: 'busy' });
      await ranges.query('commit');
      expect(await empty()).toMatchObject({ outcome: 'emptied' });
    });

    it('empties the DEFAULT too, when all that strayed there is published and old', async () => {
      await ranges.drawUpTo((await ranges.all()).at(-2)!.high!);
      await ranges.insert(5);
      expect(await empty()).toMatchObject({ outcome: 'done' });
      await ranges.setFloor((await ranges.lastDrawn()) - 1);
      expect(await empty()).toMatchObject({ outcome: 'done' });
      await ranges.publish();
      expect(await empty()).toEqual({ outcome: 'emptied', range: 'outbox_default' });
      expect(await standing()).toMatchObject({ default_rows: 0 });
    });

    it('empties a range beside writers at full rate and a reader whose transaction stays open (P15)', async () => {
      const first = await fillFirst();
      await reader.query('begin');
      await reader.query(`select count(*) from outbox where position > ${await ranges.lastDrawn()}`);
      const { tookMs, faults } = await insertsDuring(ground.databaseUrl('postgres'), 4, async () => {
        await ranges.publish();
        expect(await until(empty, ({ outcome }) => outcome !== 'busy')).toEqual({ outcome: 'emptied', range: first });
        expect(await ranges.count(first)).toBe(0);
        for (let count = 0; count < 5; count += 1) expect(await drop()).toMatchObject({ outcome: 'busy' });
      });
      expect(faults).toEqual([]);
      expect(tookMs.at(-1)).toBeLessThan(LOCK_TIMEOUT_MS + SLACK_MS);
      await reader.query('rollback');
      expect(await drop()).toEqual({ outcome: 'dropped', range: first });
    });

    it('gives up behind a SELECT that lasts, and hardly an insert notices (P17)', async () => {
      await fillFirst();
      await ranges.publish();
      await reader.query('begin');
      await reader.query('select count(*) from outbox');
      const outcomes: string[] = [];
      const { tookMs, faults } = await insertsDuring(ground.databaseUrl('postgres'), 3, async () => {
        const end = performance.now() + HELD_MS;
        while (performance.now() < end) outcomes.push((await empty()).outcome);
      });
      expect(faults).toEqual([]);
      expect(new Set(outcomes)).toEqual(new Set(['busy']));
      expect(outcomes.length).toBeGreaterThan(3); // each gave up by itself
      expect(percentile(tookMs, 0.99)).toBeLessThan(LOCK_TIMEOUT_MS + SLACK_MS);
      expect(tookMs.at(-1)).toBeLessThan(LOCK_TIMEOUT_MS + SLACK_MS);
      await reader.query('rollback');
      expect(await empty()).toMatchObject({ outcome: 'emptied' });

      await reader.query('begin');
      await reader.query('select count(*) from outbox');
      const dropping = await insertsDuring(ground.databaseUrl('postgres'), 3, async () => {
        expect(await drop()).toMatchObject({ outcome: 'busy' });
      });
      expect(dropping.tookMs.at(-1)).toBeLessThan(LOCK_TIMEOUT_MS + SLACK_MS);
      await reader.query('rollback');
      expect(await drop()).toMatchObject({ outcome: 'dropped' });
    });

    it('does no harm when two do it at once, beside writers at full rate', async () => {
      const other = await connect('relay');
      const steps = [`outbox_make_range(3, ${ROWS})`, `outbox_empty_range('0')`, 'outbox_drop_range()'];
      const outcomes = new Set<string>();
      const { tookMs, faults } = await insertsDuring(ground.databaseUrl('postgres'), 4, async () => {
        const end = performance.now() + HELD_MS;
        const keep = async (client: pg.Client): Promise<void> => {
          for (let turn = 0; performance.now() < end; turn += 1) {
            const { rows } = await client.query<Step>(`select outcome from ${steps[turn % 3]}`);
            outcomes.add(rows[0]!.outcome);
            await ranges.publish();
          }
        };
        await Promise.all([keep(relay), keep(other)]);
      });
      await other.end();
      expect(faults).toEqual([]);
      expect([...outcomes]).toEqual(expect.arrayContaining(['made', 'emptied', 'dropped']));
      expect(tookMs.at(-1)).toBeLessThan(LOCK_TIMEOUT_MS + SLACK_MS);
      expect(await standing()).toMatchObject({ default_rows: 0 });
    });
  });

  it('costs an empty poll of the relay few buffers, however many ranges there are (P18)', async () => {
    for (let count = 0; count < 10; count += 1) {
      await until(make, ({ outcome }) => outcome === 'done');
      await ranges.insert(ROWS);
    }
    await until(make, ({ outcome }) => outcome === 'done');
    expect((await ranges.all()).length).toBeGreaterThanOrEqual(14);
    await ranges.query('vacuum analyze outbox');
    for (const setting of ['enable_seqscan = off', 'enable_bitmapscan = off', 'plan_cache_mode = force_generic_plan'])
      await reader.query(`set ${setting}`);
    const { text } = readRows({ above: 0n, holes: [], limit: 1_000 });
    await reader.query(`prepare poll (bigint, integer) as ${text}`);
    const explain = async () => {
      const { rows } = await reader.query<{ 'QUERY PLAN': readonly [{ Plan: Record<string, number> }] }>(
        `explain (analyze, buffers, format json) execute poll (${await ranges.lastDrawn()}, 1000)`,
      );
      return rows[0]!['QUERY PLAN'][0].Plan;
    };
    await explain();
    const plan = await explain();
    expect(plan['Shared Hit Blocks']! + plan['Shared Read Blocks']!).toBeLessThan(30);
  });

  it('lets the relay do all that, but nothing beside it, and the trade service none of it', async () => {
    const trade = await connect('trade');
    const refused = (client: pg.Client, text: string) =>
      expect(client.query(text)).rejects.toMatchObject({ code: '42501' });
    const first = (await ranges.all())[0]!.leaf;
    for (const client of [relay, trade]) {
      for (const text of [`truncate ${first}`, 'truncate outbox', `drop table ${first}`, 'delete from outbox'])
        await refused(client, text);
      await refused(client, 'select outbox_advance()');
      await refused(client, `select outbox_is_retired('${first}', 1, '0')`);
    }
    for (const call of [
      `outbox_make_range(3, 10)`,
      `outbox_empty_range('0')`,
      'outbox_drop_range()',
      'outbox_standing()',
    ])
      await refused(trade, `select ${call}`);
    await trade.end();
    await relay.query('create temporary table relay (name text, floor bigint)');
    await relay.query(`insert into relay values ('outbox', 1000000)`);
    await ranges.insert(ROWS + 10);
    expect(await empty()).toMatchObject({ outcome: 'done' }); // not fooled by a table of the caller's
  });

  it('moves a sequence that was set back above everything drawn before, and never back', async () => {
    const advance = async (): Promise<number> => {
      const { rows } = await ranges.query<{ at: string }>('select outbox_advance() as at');
      return Number(rows[0]!.at);
    };
    await ranges.insert(50);
    const last = await ranges.lastDrawn();
    expect(await advance()).toBe(last);
    await ranges.drawUpTo(last - 20);
    expect(await advance()).toBe(last);
    await ranges.setFloor(last + 7);
    expect(await advance()).toBe(last + 7);
    await ranges.drawUpTo(last + 100);
    expect(await advance()).toBe(last + 100);
  });
});
