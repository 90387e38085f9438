import type pg from 'pg';

/** Copies of a challenge that nobody will ever trade; their day, yesterday's, ends at `endsAt`. */
const INSERT = `
  insert into challenge
  select copy.*
    from challenge model, generate_series(1, $2::int) number,
         lateral jsonb_populate_record(model, jsonb_build_object(
           'id', overlay(gen_random_uuid()::text placing lpad(to_hex(number), 8, '0') from 1), 'day_date', ($3::timestamptz at time zone 'UTC')::date - 1,
           'day_starts_at', date_trunc('day', $3::timestamptz, 'UTC') - interval '1 day',
           'day_ends_at', $3::timestamptz)) copy
   where model.id = $1
  returning id`;

/**
 * Makes so many quiet challenges like the given one, on a program whose days begin at midnight UTC. Rolled, each is on the day
 * that `endsAt` lies in: that is how a test reaches midnight without waiting for it, or setting the database's clock.
 */
export async function quietChallenges(
  database: pg.Client,
  { like, count, endsAt }: { readonly like: string; readonly count: number; readonly endsAt: Date },
): Promise<readonly string[]> {
  const { rows } = await database.query<{ id: string }>(INSERT, [like, count, endsAt.toISOString()]);
  return rows.map(({ id }) => id);
}

/** Lets the day of these end at `endsAt`: as `quietChallenges`, for challenges that exist. */
export async function endDay(database: pg.Client, challengeIds: readonly string[], endsAt: Date): Promise<void> {
  await database.query(
    `update challenge
        set day_date = ($2::timestamptz at time zone 'UTC')::date - 1, day_ends_at = $2,
            day_starts_at = date_trunc('day', $2::timestamptz, 'UTC') - interval '1 day'
      where id = any($1)`,
    [challengeIds, endsAt.toISOString()],
  );
}

/** The database's clock. */
export async function databaseNow(database: pg.Client): Promise<Date> {
  const { rows } = await database.query<{ now: Date }>('select clock_timestamp() as now');
  return rows[0]!.now;
}
