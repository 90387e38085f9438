import { adminSettings, integer, list, logSettings, port, secretUrl, text, tokenSettings } from '@tradesense/platform';

const DATABASE = 'postgres://tradesense_trade:trade@127.0.0.1:15432/tradesense';
const MIGRATOR_DATABASE = 'postgres://tradesense_migrator:migrator@127.0.0.1:15432/tradesense';

export const tradeSettings = {
  DATABASE_URL: secretUrl({
    says: 'PostgreSQL, as the role tradesense_trade; directly, not through a transaction pooler.',
    fallback: DATABASE,
    developmentOnly: true,
  }),
  TRADE_HOST: text({ says: 'Address of the API; :: is IPv4 and IPv6.', fallback: '::' }),
  TRADE_PORT: port({ says: 'Port of the API. 0 takes a free one.', fallback: 3000 }),
  PROGRAMS_DIR: text({ says: 'Folder of further program documents, besides the presets; empty: none.', fallback: '' }),
  ALLOWED_ORIGINS: list({
    says: "Pages that may read the API from a browser: exact origins, the dashboard's among them.",
    fallback: ['http://localhost:8080', 'http://127.0.0.1:8080'],
  }),
  USER_RATE_LIMIT_PER_S: integer({
    says: "Requests a second that one user's tokens may make; 0 is any number.",
    fallback: 50,
    min: 0,
    max: 100_000,
  }),
  RATE_LIMIT_PER_S: integer({
    says: 'The same of one service or operator, by the `sub` of its token. A list counts as one.',
    fallback: 0,
    min: 0,
    max: 100_000,
  }),
  ROLLS_PER_S: integer({
    says: 'Quiet challenges that one instance rolls in a second when their days end, or takes to a new epoch.',
    fallback: 2_000,
    min: 1,
    max: 100_000,
  }),
  ...tokenSettings,
  ...adminSettings(9101),
  ...logSettings,
};

export const migrateSettings = {
  MIGRATOR_DATABASE_URL: secretUrl({
    says: 'PostgreSQL, as the role tradesense_migrator, which owns the tables.',
    fallback: MIGRATOR_DATABASE,
    developmentOnly: true,
  }),
  ...logSettings,
};
