import pg from 'pg';

const DEMANDED = ['fsync', 'full_page_writes', 'synchronous_commit'];

/** A figure of commits that do not wait for the disk is worth nothing. @returns the settings in words @throws unless all are on */
export async function durabilityOf(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string; setting: string }>(
      'select name, setting from pg_settings where name = any($1) order by name',
      [DEMANDED],
    );
    const words = rows.map(({ name, setting }) => `${name} = ${setting}`).join(', ');
    if (rows.length !== DEMANDED.length || rows.some(({ setting }) => setting !== 'on'))
      throw new Error(`PostgreSQL does not keep what it commits: ${words}`);
    return words;
  } finally {
    await client.end();
  }
}

/** Behind the writes of one contender, so that they do not fall into the time of the next. */
export async function checkpoint(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query('checkpoint').finally(() => client.end());
}
