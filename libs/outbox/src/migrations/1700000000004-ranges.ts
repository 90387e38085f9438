import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * Ranges made ahead, and emptied when nobody needs them (design 5.3). The relay's housekeeper does it, with functions that run as
 * the tables' owner: so the relay owns nothing and can change or delete no row itself. Each call does one thing in one
 * transaction, and says `done` (nothing is left to do), `busy` (a lock was not to be had, ask again) or what it did.
 *
 * G1 No insert waits long, and none fails. Every lock is asked for with a timeout of 200 ms: a lock that is waited for makes all
 *    who come later wait too (pitfall P17). Each function first takes SHARE UPDATE EXCLUSIVE on the parent: housekeepers
 *    exclude each other, writers and readers pass.
 * G2 A range is made as a plain table and attached. That locks the parent for nobody but housekeepers, and the DEFAULT for
 *    everybody, since it is searched for rows of the new range (pitfall P16). Writers meet that lock only when their rows go to the
 *    DEFAULT, that is when housekeeping was late.
 * G3 A new range begins above every row of the DEFAULT, or attaching would fail for ever, and above every position that a
 *    statement under way may still draw: such a statement goes by the partitions it saw when it began, would take its row to the
 *    DEFAULT, and would find there that it belongs to the new range (23514). So the range begins a margin above the last
 *    number drawn, as soon as the ranges' end is nearer than that; what is drawn in between goes to the DEFAULT.
 * G4 Attaching searches the DEFAULT under that lock, which is long when much is in it. Then a constraint is made first that lets
 *    PostgreSQL know without searching: a bound that no row of the DEFAULT reaches, at least one range ahead, added as not valid,
 *    validated while writers pass, and dropped in the transaction that attaches a range at it. Beyond it a row would be
 *    refused, so a bound that comes near before it was used is dropped first.
 * G5 A leaf is emptied by TRUNCATE, which locks that leaf alone, and only while no number of it can come any more: the saved
 *    floor has passed its end. A transaction that drew a number below the end and has not ended is an open hole, and holds the
 *    floor back (design 6.2), however long it takes (pitfall P14); one that was given up had ended. All of it
 *    is read under the lock that TRUNCATE takes; floor and parked challenges in one statement, since a challenge is parked before
 *    the floor passes its row: who sees that floor sees it parked.
 * G6 A leaf is dropped when it is empty and wholly below the floor. That locks the parent and the DEFAULT (pitfall P15), and is
 *    the one step that makes writers wait, for the lock timeout at most. A row with a position below the floor, which only a
 *    hand can write, would go to the DEFAULT.
 */
const LOCK_TIMEOUT = '200ms';

/** The leaves and their bounds: `high` is the first position above. The DEFAULT has none. */
const RANGES = `
  create view outbox_range as
  select c.oid::regclass as leaf, bounds[1]::bigint as low, bounds[2]::bigint as high
  from pg_inherits i
  join pg_class c on c.oid = i.inhrelid
  left join lateral regexp_match(pg_get_expr(c.relpartbound, c.oid), $$FROM \\('(\\d+)'\\) TO \\('(\\d+)'\\)$$) as bounds on true
  where i.inhparent = 'outbox'::regclass`;

/** What is searched under a lock: some 10 ms. */
const SEARCHED_BYTES = 16 * 1024 * 1024;

const AHEAD = `select count(*) from outbox_range where low > (select last_value from outbox_position)`;

const MAKE = `
  create function outbox_make_range(ahead integer, rows_per_range bigint, out outcome text, out range text)
  language plpgsql security definer set lock_timeout = '${LOCK_TIMEOUT}' as $$
  declare
    margin constant bigint := greatest(rows_per_range / 50, 1000);
    drawn bigint;
    bound record;
    begins bigint;
  begin
    outcome := 'done';
    if (${AHEAD}) >= ahead then return; end if;
    lock table only outbox in share update exclusive mode;
    if (${AHEAD}) >= ahead then return; end if;

    select last_value into drawn from outbox_position;
    select substring(pg_get_constraintdef(oid) from '\\d+')::bigint as position, convalidated as is_valid into bound
    from pg_constraint where conrelid = 'outbox_default'::regclass and conname = 'outbox_default_bound';
    if bound.position <= drawn + margin then
      alter table outbox_default drop constraint outbox_default_bound;
      outcome := 'unbound';
      return;
    elsif bound.position is null and pg_relation_size('outbox_default') > ${SEARCHED_BYTES} then
      execute format('alter table outbox_default add constraint outbox_default_bound check (position < %s) not valid',
                     greatest(drawn + margin + rows_per_range, (select max(high) from outbox_range)));
      outcome := 'bound';
      return;
    elsif not bound.is_valid then
      alter table outbox_default validate constraint outbox_default_bound;
      outcome := 'validated';
      return;
    end if;

    lock table outbox_default in access exclusive mode;
    select last_value into drawn from outbox_position;
    select coalesce(max(high), 1) into begins from outbox_range;
    if drawn + margin >= begins then begins := drawn + margin + 1; end if;
    select greatest(begins, max(position) + 1, bound.position) into begins from outbox_default;
    range := 'outbox_from_' || begins;
    execute format('create table %I (like outbox including all)', range);
    execute format('alter table outbox attach partition %I for values from (%s) to (%s)', range, begins, begins + rows_per_range);
    alter table outbox_default drop constraint if exists outbox_default_bound;
    outcome := 'made';
  exception when lock_not_available or deadlock_detected then
    outcome := 'busy';
    range := null;
  end $$`;

const IS_RETIRED = `
  create function outbox_is_retired(leaf regclass, high bigint, retention interval) returns boolean
  language plpgsql as $$
  declare
    newest record;
    ends bigint;
  begin
    execute format('select position, created_at from %s order by position desc limit 1', leaf) into newest;
    if newest.position is null or newest.created_at > clock_timestamp() - retention then return false; end if;
    ends := greatest(newest.position, high - 1);
    return (select r.floor >= ends and not exists (select from parked where first_position <= ends)
            from relay r where r.name = 'outbox');
  end $$`;

const EMPTY = `
  create function outbox_empty_range(retention interval, out outcome text, out range text)
  language plpgsql security definer set lock_timeout = '${LOCK_TIMEOUT}' as $$
  declare
    candidate outbox_range;
  begin
    outcome := 'done';
    lock table only outbox in share update exclusive mode;
    for candidate in select * from outbox_range order by low loop
      continue when not outbox_is_retired(candidate.leaf, candidate.high, retention);
      execute format('lock table %s in access exclusive mode', candidate.leaf);
      continue when not outbox_is_retired(candidate.leaf, candidate.high, retention);
      execute format('truncate table %s', candidate.leaf);
      outcome := 'emptied';
      range := candidate.leaf;
      return;
    end loop;
  exception when lock_not_available or deadlock_detected then
    outcome := 'busy';
  end $$`;

const DROP = `
  create function outbox_drop_range(out outcome text, out range text)
  language plpgsql security definer set lock_timeout = '${LOCK_TIMEOUT}' as $$
  declare
    candidate outbox_range;
    has_rows boolean;
  begin
    outcome := 'done';
    lock table only outbox in share update exclusive mode;
    for candidate in
      select o.* from outbox_range o join relay r on r.name = 'outbox' and o.high - 1 <= r.floor order by o.low
    loop
      execute format('select exists (select from %s)', candidate.leaf) into has_rows;
      continue when has_rows;
      lock table only outbox in access exclusive mode;
      execute format('lock table %s in access exclusive mode', candidate.leaf);
      execute format('select exists (select from %s)', candidate.leaf) into has_rows;
      continue when has_rows;
      range := candidate.leaf;
      execute format('drop table %s', candidate.leaf);
      outcome := 'dropped';
      return;
    end loop;
  exception when lock_not_available or deadlock_detected then
    outcome := 'busy';
  end $$`;

/** How the ranges stand. Rows of the DEFAULT are counted up to 1,000: one is too many. */
const STANDING = `
  create function outbox_standing(out ranges_ahead integer, out default_rows integer, out bytes bigint)
  language sql security definer as $$
    select
      (${AHEAD}),
      (select count(*) from (select from outbox_default limit 1000) as strays),
      (select sum(pg_total_relation_size(leaf)) from outbox_range)
  $$`;

/**
 * For an operator, as the owner: brings a sequence that was set back above everything drawn before. Nobody does it by himself,
 * since rows that were written below the floor meanwhile are never read, and somebody must look for them first.
 */
const ADVANCE = `
  create function outbox_advance() returns bigint
  language plpgsql set lock_timeout = '${LOCK_TIMEOUT}' as $$
  declare
    target bigint;
  begin
    -- Changes nothing, but keeps everybody from drawing until the end: a number drawn between reading and setting would come twice.
    alter sequence outbox_position cache 1;
    select greatest((select max(position) from outbox), (select floor from relay where name = 'outbox')) into target;
    if target > (select last_value from outbox_position) then perform setval('outbox_position', target); end if;
    return (select last_value from outbox_position);
  end $$`;

const FUNCTIONS = {
  'outbox_make_range(integer, bigint)': MAKE,
  'outbox_is_retired(regclass, bigint, interval)': IS_RETIRED,
  'outbox_empty_range(interval)': EMPTY,
  'outbox_drop_range()': DROP,
  'outbox_standing()': STANDING,
  'outbox_advance()': ADVANCE,
};
const FOR_THE_RELAY = /^outbox_(make_range|empty_range|drop_range|standing)\(/;

/** Functions that make ranges ahead of the sequence and empty those that nobody needs, for the relay to call. */
export class Ranges1700000000004 implements MigrationInterface {
  readonly name = 'Ranges1700000000004';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(RANGES);
    const [{ path }] = (await runner.query(`select quote_ident(current_schema()) || ', pg_temp' as path`)) as [
      { path: string },
    ];
    for (const [signature, text] of Object.entries(FUNCTIONS)) {
      await runner.query(text);
      // Who calls must not choose which tables are meant by a search path of his own.
      await runner.query(`alter function ${signature} set search_path = ${path}`);
      await runner.query(`revoke all on function ${signature} from public`);
      if (FOR_THE_RELAY.test(signature))
        await runner.query(`grant execute on function ${signature} to tradesense_relay`);
    }
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const signature of Object.keys(FUNCTIONS).reverse()) await runner.query(`drop function ${signature}`);
    await runner.query(`drop view outbox_range`);
  }
}
