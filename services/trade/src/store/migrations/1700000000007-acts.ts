import type { MigrationInterface, QueryRunner } from 'typeorm';

/** An advisory lock: whoever inserts a challenge shares it to the end of its transaction, whoever raises the epoch has it alone. */
const LOCK = 7_261_504;

/**
 * The row `stream` is changed by functions that run as its owner: so the service can raise the epoch and say that all have it, but
 * never set either back.
 *
 * While an insert is under way the epoch stays: the sweep could else find nothing below the new one, and a challenge of the old
 * one appear behind its back, which no relay publishes. Who raises waits briefly, since those who insert wait behind it.
 */
const FUNCTIONS = {
  'stream_keep_epoch()': `
    create function stream_keep_epoch() returns void language sql as 'select pg_advisory_xact_lock_shared(${LOCK})'`,
  'stream_raise_epoch()': `
    create function stream_raise_epoch() returns bigint
    language plpgsql security definer set lock_timeout = '500ms' as $$
    declare
      raised bigint;
    begin
      perform pg_advisory_xact_lock(${LOCK});
      update stream set epoch = greatest(epoch + 1, extract(epoch from clock_timestamp())::bigint) returning epoch into raised;
      return raised;
    end $$`,
  'stream_end_sweep(bigint)': `
    create function stream_end_sweep(swept_epoch bigint) returns boolean
    language plpgsql security definer as $$
    begin
      update stream set swept = epoch
       where epoch = swept_epoch and swept < epoch and not exists (select from challenge where challenge.epoch < swept_epoch);
      return found;
    end $$`,
};

/** Operators' acts with the first answers given to them, the audit, to which the service's role may only add, and new epochs. */
export class Acts1700000000007 implements MigrationInterface {
  readonly name = 'Acts1700000000007';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table act (
        challenge_id uuid not null references challenge (id),
        act_id uuid not null,
        meaning bytea not null,
        answer text not null,
        primary key (challenge_id, act_id)
      )`);
    // No foreign key: what was wanted of a challenge that does not exist is written down too.
    await runner.query(`
      create table audit (
        id bigint generated always as identity primary key,
        at timestamptz not null default clock_timestamp(),
        who text not null,
        act text not null,
        why text not null,
        challenge_id uuid,
        act_id uuid,
        details json not null,
        outcome text not null
      )`);
    // An update that leaves the epoch alone still touches no index.
    await runner.query(`create index challenge_by_epoch on challenge (epoch, id)`);

    await runner.query(`grant select, insert on act, audit to tradesense_trade`);
    const [{ path }] = (await runner.query(`select quote_ident(current_schema()) || ', pg_temp' as path`)) as [
      { path: string },
    ];
    for (const [signature, text] of Object.entries(FUNCTIONS)) {
      await runner.query(text);
      await runner.query(`alter function ${signature} set search_path = ${path}`);
      await runner.query(`revoke all on function ${signature} from public`);
      await runner.query(`grant execute on function ${signature} to tradesense_trade`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const signature of Object.keys(FUNCTIONS).reverse()) await runner.query(`drop function ${signature}`);
    await runner.query(`drop index challenge_by_epoch`);
    await runner.query(`drop table audit, act`);
  }
}
