import {
  adminSettings,
  flag,
  integer,
  kafkaRelations,
  kafkaSettings,
  list,
  networks,
  oneOf,
  logSettings,
  port,
  secretUrl,
  text,
  tokenSettings,
  type Relations,
} from '@tradesense/platform';

import { PROXY_HEADERS } from './access/index.js';

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
  REDIS_URL: secretUrl({
    says: 'Redis in which gateways count the connections of each user together; rediss:// for TLS. Empty: each counts its own.',
    fallback: '',
  }),
  MAX_CONNECTIONS_PER_ADDRESS: integer({ says: 'Connections of one address. 0: no limit.', fallback: 100 }),
  MAX_CONNECTIONS: integer({ says: 'Connections in all. 0: no limit.', fallback: 20_000 }),
  ADMISSION_PER_S: integer({ says: 'New connections per second. 0: no limit.', fallback: 500 }),
  MAX_ROOMS_PER_CONNECTION: integer({
    says: 'Challenges that one connection follows or waits for. 0: no limit.',
    fallback: 50,
  }),
  PACKETS_PER_S: integer({
    says: 'Packets that one connection may send per second, six times as many at once. 0: no limit.',
    fallback: 20,
  }),
  BYTES_PER_S: integer({
    says: 'Bytes of these packets per second, eight times as many at once. 0: no limit.',
    fallback: 16 * 1024,
  }),
  MAX_MESSAGE_BYTES: integer({ says: 'Bytes of one message from a client. 0: no limit.', fallback: 16 * 1024 }),
  TRUSTED_PROXIES: networks({
    says: 'Our own proxies: only what comes from them is asked whom it comes from, by PROXY_HEADER.',
    fallback: [],
  }),
  PROXY_HEADER: oneOf(PROXY_HEADERS, {
    says: 'The header in which our proxies name the address they speak for. They must write it themselves.',
    fallback: 'x-forwarded-for',
  }),
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

/** What these settings must be to each other, or themselves where it takes more than a look. */
export const relations: Relations<typeof settings> = (config, where) => {
  const faults = [...kafkaRelations(config, where)];
  if (config.REDIS_URL !== '' && !/^rediss?:\/\//.test(config.REDIS_URL))
    faults.push('REDIS_URL must begin with redis:// or rediss://');
  return faults;
};
