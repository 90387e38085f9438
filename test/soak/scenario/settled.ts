import pg from 'pg';

import { until } from '../../support/until.js';

/** One question to a database that may just have come back. */
export async function ask<Row extends object>(
  url: string,
  text: string,
  values: readonly unknown[] = [],
): Promise<readonly Row[]> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000, query_timeout: 60_000 });
  client.on('error', () => undefined); // told by the question
  await client.connect();
  try {
    return (await client.query<Row>(text, [...values])).rows;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** How many positions the saved floor lies below the last row. */
export async function behind(url: string): Promise<number> {
  const [row] = await ask<{ behind: string }>(
    url,
    `select greatest(coalesce((select max(position) from outbox), 0) - floor, 0)::text as behind
     from relay where name = 'outbox'`,
  );
  return Number(row?.behind);
}

/** Until Kafka has acknowledged every row that is committed, and the relay has saved that it knows. */
export const settled = (url: string, withinMs: number): Promise<number> =>
  until(
    () => behind(url),
    (rows) => rows === 0,
    { withinMs, everyMs: 50, what: 'the floor is at the last row' },
  );
