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

/** Position of the last row, and of the saved floor. */
async function progress(url: string): Promise<{ readonly last: bigint; readonly floor: bigint }> {
  const [row] = await ask<{ last: string; floor: string }>(
    url,
    `select coalesce((select max(position) from outbox), 0)::text as last, floor::text from relay where name = 'outbox'`,
  );
  return { last: BigInt(row?.last ?? 0), floor: BigInt(row?.floor ?? 0) };
}

/** How many positions the saved floor lies below the last row. */
export async function behind(url: string): Promise<number> {
  const { last, floor } = await progress(url);
  return last > floor ? Number(last - floor) : 0;
}

/** Until Kafka has acknowledged every row that is committed by now, and the relay has saved that it knows. */
export async function settled(url: string, withinMs: number): Promise<void> {
  const { last } = await progress(url);
  await until(
    async () => (await progress(url)).floor,
    (floor) => floor >= last,
    { withinMs, everyMs: 50, what: `the floor is at ${last}` },
  );
}
