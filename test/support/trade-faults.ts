import { randomUUID } from 'node:crypto';

import pg from 'pg';

/** Something that the database does to trades of one symbol, for as long as `act` runs. */
export async function whileTradesOf(
  database: pg.Client,
  { symbol, plpgsql, when = '' }: { readonly symbol: string; readonly plpgsql: string; readonly when?: string },
  act: () => Promise<void>,
): Promise<void> {
  await database.query(`create sequence attempts`);
  await database.query('grant usage on sequence attempts to tradesense_trade');
  await database.query(
    `create function mischief() returns trigger language plpgsql as $$ begin ${plpgsql} return new; end $$`,
  );
  await database.query(`create constraint trigger mischief after insert on trade ${when} for each row
                        when (new.symbol = '${symbol}') execute function mischief()`);
  try {
    await act();
  } finally {
    await database.query('drop function mischief cascade');
    await database.query('drop sequence attempts');
  }
}

/** Holds the rows of challenges, as a session of somebody else would, until it is released or `act` ends. */
export async function whileLocked(
  url: string,
  challengeIds: readonly string[],
  act: (release: () => Promise<unknown>) => Promise<void>,
): Promise<void> {
  const holder = new pg.Client({ connectionString: url });
  await holder.connect();
  try {
    await holder.query('begin');
    await holder.query('select from challenge where id = any($1) for no key update', [challengeIds]);
    await act(() => holder.query('commit'));
  } finally {
    await holder.end();
  }
}

/** An id whose commands go through this lane: the service has two. */
export function idInLane(lane: 0 | 1): string {
  for (;;) {
    const id = randomUUID();
    if (laneOf(id) === lane) return id;
  }
}
export const laneOf = (challengeId: string): number => Number.parseInt(challengeId.slice(-6), 16) % 2;
