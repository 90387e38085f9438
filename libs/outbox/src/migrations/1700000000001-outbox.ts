import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Positions per range: the unit of retention, emptied by TRUNCATE of one leaf (design 5.3). */
export const RANGE_ROWS = 5_000_000;
const FIRST_RANGES = 3;

const range = (index: number): string =>
  `create table outbox_r${index} partition of outbox
     for values from (${index * RANGE_ROWS + 1}) to (${(index + 1) * RANGE_ROWS + 1})`;

/**
 * The outbox in its final columns (design 5.1), the relay's lease and floor, and the stream's epoch. Roles `tradesense_trade`
 * and `tradesense_relay` must exist; neither may change or delete a row of the outbox.
 */
export class Outbox1700000000001 implements MigrationInterface {
  readonly name = 'Outbox1700000000001';

  async up(runner: QueryRunner): Promise<void> {
    // CACHE 1 and drawn by the column default, inside the inserting statement: the relay tells by the sequence's lock who
    // may still fill a hole (pitfall P4).
    await runner.query(`create sequence outbox_position as bigint cache 1`);
    await runner.query(`
      create table outbox (
        position bigint not null default nextval('outbox_position'),
        id uuid not null,
        aggregatetype text not null check (aggregatetype in ('challenge-events', 'challenge-state')),
        aggregateid text not null,
        type text not null,
        epoch bigint not null,
        sequence bigint not null,
        user_id text not null,
        traceparent text,
        payload json not null,
        created_at timestamptz not null default clock_timestamp(),
        primary key (position)
      ) partition by range (position)`);
    await runner.query(`alter sequence outbox_position owned by outbox.position`);
    for (let index = 0; index < FIRST_RANGES; index += 1) await runner.query(range(index));
    // The net below the ranges: a housekeeper that is late never fails a trade.
    await runner.query(`create table outbox_default partition of outbox default`);

    await runner.query(`
      create table relay (
        name text primary key,
        owner text,
        generation bigint not null default 0,
        lease_until timestamptz not null default '-infinity',
        floor bigint not null default 0
      ) with (fillfactor = 50)`);
    await runner.query(`insert into relay (name) values ('outbox')`);

    await runner.query(`
      create table stream (
        only_row boolean primary key default true check (only_row),
        epoch bigint not null,
        swept bigint not null
      )`);
    await runner.query(`
      insert into stream (epoch, swept)
      select now, now from (select extract(epoch from clock_timestamp())::bigint as now) seconds`);

    await runner.query(`grant select, insert on outbox to tradesense_trade`);
    await runner.query(`grant usage, select on sequence outbox_position to tradesense_trade`);
    await runner.query(`grant select on stream to tradesense_trade, tradesense_relay`);
    await runner.query(`grant select on outbox to tradesense_relay`);
    await runner.query(`grant select on sequence outbox_position to tradesense_relay`);
    await runner.query(`grant select, update on relay to tradesense_relay`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table stream`);
    await runner.query(`drop table relay`);
    await runner.query(`drop table outbox`);
  }
}
