import 'reflect-metadata';

import { outboxMigrations } from '@tradesense/outbox';
import { EXIT, createLogger, printConfig, readConfig } from '@tradesense/platform';

import { migrateSettings } from './settings.js';
import { TRADE_MIGRATIONS, migrate } from './store/index.js';

const reading = readConfig(migrateSettings, process.env);
if (!reading.ok) {
  process.stderr.write(
    `migrate: the configuration has faults:\n${reading.faults.map((fault) => `  - ${fault}\n`).join('')}`,
  );
  process.exit(EXIT.badConfiguration);
}
if (process.argv.includes('--print-config')) {
  process.stdout.write(`${printConfig(migrateSettings, reading.config, process.env)}\n`);
  process.exit(EXIT.ok);
}
const { LOG_LEVEL, MIGRATOR_DATABASE_URL } = reading.config;
const log = createLogger({ service: 'migrate', instance: `migrate-${process.pid}`, level: LOG_LEVEL });
try {
  const done = await migrate(MIGRATOR_DATABASE_URL, [...outboxMigrations, ...TRADE_MIGRATIONS]);
  log.info({ done }, 'migrated');
} catch (err) {
  log.error({ err }, 'the migration failed');
  process.exit(EXIT.unexpected);
}
