import {
  adminSettings,
  flag,
  integer,
  kafkaSettings,
  list,
  logSettings,
  port,
  text,
  tokenSettings,
} from '@tradesense/platform';

export const settings = {
  GATEWAY_HOST: text({ says: 'Address to listen on; :: is IPv6 and IPv4.', fallback: '::' }),
  GATEWAY_PORT: port({ says: 'Port for sockets. 0 takes a free one.', fallback: 5000 }),
  ALLOWED_ORIGINS: list({
    says: 'Origins of pages that may connect, exactly as browsers send them. Without an Origin the token decides.',
    fallback: ['http://localhost:8080', 'http://127.0.0.1:8080'],
    developmentOnly: true,
  }),
  ALLOW_QUERY_TOKEN: flag({
    says: 'Takes a token from the query string too, where logs of proxies may keep it.',
    fallback: true,
    inProduction: false,
  }),
  MAX_CONNECTIONS_PER_USER: integer({ says: 'Connections of one user. 0: no limit.', fallback: 10 }),
  MAX_CONNECTIONS_PER_ADDRESS: integer({ says: 'Connections of one address. 0: no limit.', fallback: 100 }),
  MAX_CONNECTIONS: integer({ says: 'Connections in all. 0: no limit.', fallback: 20_000 }),
  ADMISSION_PER_S: integer({ says: 'New connections per second. 0: no limit.', fallback: 500 }),
  STALE_MS: integer({
    says: 'A room is live while the age of what is known is at most so many milliseconds.',
    fallback: 10_000,
    min: 100,
  }),
  RINGS_BYTES: integer({
    says: 'Bytes that the last frames of all rooms may take; the oldest go first.',
    fallback: 256 * 1024 * 1024,
    min: 1024 * 1024,
  }),
  DRAIN_MS: integer({
    says: 'Longest time, in milliseconds, over which clients are asked to leave at the end. Less than STOP_MS.',
    fallback: 5_000,
    min: 500,
  }),
  ...kafkaSettings,
  ...tokenSettings,
  ...adminSettings(9103),
  ...logSettings,
};
