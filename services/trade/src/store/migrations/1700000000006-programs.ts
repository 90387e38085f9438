import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Programs as documents, decision records, what rules remember of a challenge, and ends that stay whoever writes. */
export class Programs1700000000006 implements MigrationInterface {
  readonly name = 'Programs1700000000006';

  async up(runner: QueryRunner): Promise<void> {
    // Append-only: a challenge keeps the version it started with.
    await runner.query(`
      create table program (
        id text not null,
        version integer not null check (version > 0),
        document json not null,
        saved_at timestamptz not null default clock_timestamp(),
        primary key (id, version)
      )`);

    await runner.query(`
      create table decision (
        challenge_id uuid not null references challenge (id),
        number integer not null check (number > 0),
        record json not null,
        primary key (challenge_id, number)
      )`);

    // Challenges so far were on a program that judges trades: balance is equity.
    await runner.query(`alter table challenge add column book json`);
    await runner.query(`
      update challenge set book = json_build_object(
        'balance', json_build_object('day_start', daily_start_equity::text, 'day_max', daily_max_equity::text,
                                     'max', max_equity_ever::text),
        'end_of_day', json_build_object('balance', greatest(daily_start_equity, initial_balance)::text,
                                        'equity', greatest(daily_start_equity, initial_balance)::text),
        'best_day', '0.00', 'opened_dates', json_build_array(),
        'phase_started_at', (extract(epoch from created_at) * 1000000)::bigint::text,
        'locked_from', null, 'last_trade_id', null, 'marks', null, 'decisions', 0)`);
    await runner.query(`alter table challenge alter column book set not null`);

    await runner.query(`
      alter table challenge add constraint challenge_open_is_not_closed
        check (closed_at is null or status in ('FAILED', 'CLOSED', 'FUNDED'))`);
    // FAILED, CLOSED and a FUNDED that is the end have `closed_at`: nobody revives them, nor changes what they ended with.
    await runner.query(`drop trigger challenge_end_stays on challenge`);
    await runner.query(`
      create trigger challenge_end_stays before update on challenge for each row
        when (old.closed_at is not null
              and (new.status, new.status_reason, new.closed_at, new.phase, new.balance, new.current_equity)
                  is distinct from
                  (old.status, old.status_reason, old.closed_at, old.phase, old.balance, old.current_equity))
        execute function challenge_end_stays()`);

    await runner.query(`create index challenge_due on challenge (day_ends_at, id) where closed_at is null`);

    await runner.query(`grant select, insert on program, decision to tradesense_trade`);
    await runner.query(`grant update (user_id, book) on challenge to tradesense_trade`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop index challenge_due`);
    await runner.query(`drop trigger challenge_end_stays on challenge`);
    await runner.query(`
      create trigger challenge_end_stays before update on challenge for each row
        when (old.closed_at is not null and (new.status <> old.status or new.closed_at is distinct from old.closed_at))
        execute function challenge_end_stays()`);
    await runner.query(`alter table challenge drop constraint challenge_open_is_not_closed`);
    await runner.query(`revoke update (user_id) on challenge from tradesense_trade`);
    await runner.query(`alter table challenge drop column book`);
    await runner.query(`drop table decision, program`);
  }
}
