import { migratorDataSource, type Migration } from './data-source.js';

const LOCK = 7_261_503;

/** Runs what is due, one migrator at a time: a second one waits, and then finds nothing to do. */
export async function migrate(url: string, migrations: readonly Migration[]): Promise<readonly string[]> {
  const source = await migratorDataSource(url, migrations).initialize();
  const holder = source.createQueryRunner();
  try {
    await holder.query('select pg_advisory_lock($1)', [LOCK]);
    const done = await source.runMigrations();
    return done.map(({ name }) => name);
  } finally {
    await holder.release();
    await source.destroy();
  }
}
