import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Columns of a challenge that a trade may change: the service's role may update nothing else. */
const CHANGING = `
  epoch, sequence, event_id, phase, status, status_reason, balance, closed_at, last_command_at, previous_equity,
  current_equity, max_equity_ever, daily_start_equity, daily_max_equity, daily_min_equity, total_trades, trade_pnl,
  trade_symbol, executed_at, day_date, day_starts_at, day_ends_at, trading_days, last_trading_date, open_alerts`;

/**
 * Challenges, trades and the first answers given to them. Money is numeric(14,2), which refuses infinity; NaN would pass, and
 * count as greater than every floor (pitfall M3), so checks refuse it. Role `tradesense_trade` must exist.
 */
export class Trade1700000000002 implements MigrationInterface {
  readonly name = 'Trade1700000000002';

  async up(runner: QueryRunner): Promise<void> {
    // Room in each page: an update that fits beside its old version touches no index.
    await runner.query(`
      create table challenge (
        id uuid primary key,
        user_id text not null check (char_length(user_id) between 1 and 128),
        epoch bigint not null,
        sequence bigint not null check (sequence >= 0),
        event_id uuid not null,
        program_id text not null,
        program_version integer not null,
        phase integer not null,
        status text not null check (status in ('ACTIVE', 'LOCKED', 'IN_REVIEW', 'FUNDED', 'FAILED', 'CLOSED')),
        status_reason text,
        initial_balance numeric(14,2) not null check (initial_balance > 0),
        balance numeric(14,2) not null,
        created_at timestamptz not null,
        closed_at timestamptz,
        previous_challenge_id uuid references challenge (id),
        last_command_at timestamptz not null,
        previous_equity numeric(14,2) not null,
        current_equity numeric(14,2) not null,
        max_equity_ever numeric(14,2) not null,
        daily_start_equity numeric(14,2) not null,
        daily_max_equity numeric(14,2) not null,
        daily_min_equity numeric(14,2) not null,
        total_trades integer not null check (total_trades >= 0),
        trade_pnl numeric(14,2),
        trade_symbol text,
        executed_at timestamptz,
        day_date date not null,
        day_starts_at timestamptz not null,
        day_ends_at timestamptz not null,
        trading_days integer not null,
        last_trading_date date,
        open_alerts json not null,
        constraint challenge_money_is_a_number check ('NaN'::numeric not in (
          initial_balance, balance, previous_equity, current_equity, max_equity_ever, daily_start_equity, daily_max_equity,
          daily_min_equity, coalesce(trade_pnl, 0))),
        constraint challenge_ended_is_closed check (status not in ('FAILED', 'CLOSED') or closed_at is not null)
      ) with (fillfactor = 70)`);
    await runner.query(`create index challenge_by_user on challenge (user_id, created_at, id)`);

    // The rules never ask for it; whoever else writes here one day can not undo an end either (design 4).
    await runner.query(`
      create function challenge_end_stays() returns trigger language plpgsql as $$
      begin
        raise exception 'challenge % has ended as %', old.id, old.status using errcode = 'check_violation';
      end $$`);
    await runner.query(`
      create trigger challenge_end_stays before update on challenge for each row
        when (old.closed_at is not null and (new.status <> old.status or new.closed_at is distinct from old.closed_at))
        execute function challenge_end_stays()`);

    await runner.query(`
      create table opening (
        challenge_id uuid primary key references challenge (id),
        meaning bytea not null,
        answer text not null
      )`);

    await runner.query(`
      create table trade (
        challenge_id uuid not null references challenge (id),
        trade_id uuid not null,
        number integer not null,
        symbol text not null,
        realized_pnl numeric(14,2) not null check (realized_pnl <> 'NaN'),
        balance numeric(14,2) not null check (balance <> 'NaN'),
        executed_at timestamptz not null,
        opened_at timestamptz,
        side text check (side in ('BUY', 'SELL')),
        quantity text,
        commission numeric(14,2) check (commission <> 'NaN'),
        corrects uuid,
        sequence bigint not null,
        recorded_at timestamptz not null,
        meaning bytea not null,
        answer text not null,
        primary key (challenge_id, trade_id),
        constraint trade_number unique (challenge_id, number),
        constraint trade_corrects foreign key (challenge_id, corrects) references trade (challenge_id, trade_id)
      )`);

    await runner.query(`
      create table late_trade (
        challenge_id uuid not null references challenge (id),
        trade_id uuid not null,
        meaning bytea not null,
        body json not null,
        received_at timestamptz not null default clock_timestamp(),
        primary key (challenge_id, trade_id, meaning)
      )`);

    await runner.query(`grant select, insert on challenge, opening, trade, late_trade to tradesense_trade`);
    await runner.query(`grant update (${CHANGING}) on challenge to tradesense_trade`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop table late_trade, trade, opening, challenge`);
    await runner.query(`drop function challenge_end_stays()`);
  }
}
