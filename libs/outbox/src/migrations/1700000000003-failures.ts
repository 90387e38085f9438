import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What the relay remembers of rows that Kafka refuses (design 6.4): a parked challenge, of which no event from `first_position`
 * on is published until an operator's wish is done, and of which everything up to `released_to` was published ahead of the floor;
 * who wished what, and why; and the epoch up to which it has cleared the state topic of challenges that a rewound history left
 * behind (design 5.4).
 */
export class Failures1700000000003 implements MigrationInterface {
  readonly name = 'Failures1700000000003';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table parked (
        challenge_id text primary key,
        first_position bigint,
        released_to bigint,
        event_id uuid not null,
        stream text not null,
        type text not null,
        epoch bigint not null,
        sequence bigint not null,
        reason text not null,
        parked_at timestamptz not null default clock_timestamp(),
        wish text check (wish in ('retry', 'discard')),
        check (first_position is not null or released_to is not null)
      )`);
    await runner.query(`
      create table relay_audit (
        id bigint generated always as identity primary key,
        at timestamptz not null default clock_timestamp(),
        who text not null,
        act text not null,
        why text not null,
        challenge_id text,
        event_id uuid
      )`);
    await runner.query(`alter table relay add column swept bigint`);
    await runner.query(`update relay set swept = (select swept from stream)`);

    await runner.query(`grant select, insert, update, delete on parked to tradesense_relay`);
    await runner.query(`grant select, insert on relay_audit to tradesense_relay`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table relay drop column swept`);
    await runner.query(`drop table relay_audit`);
    await runner.query(`drop table parked`);
  }
}
