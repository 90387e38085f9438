import { adminSettings, integer, kafkaSettings, logSettings, secretUrl, tokenSettings } from '@tradesense/platform';

export const settings = {
  ...logSettings,
  ...adminSettings(9102),
  ...kafkaSettings,
  ...tokenSettings,
  DATABASE_URL: secretUrl({
    says: 'PostgreSQL of the outbox: the server itself, no pooler that shares connections.',
    fallback: 'postgres://tradesense_relay:relay@127.0.0.1:15432/tradesense',
    developmentOnly: true,
  }),
  LEASE_MS: integer({
    says: 'How long the leader may lead without extending, in milliseconds: after its death a standby waits at most this long.',
    fallback: 10_000,
    min: 500,
  }),
  SAVE_MS: integer({
    says: 'Least time between two saves of the floor, in milliseconds: what was published since is sent again after a crash.',
    fallback: 1_000,
    min: 50,
  }),
  WATERMARK_MS: integer({
    says: 'Time between two watermarks, in milliseconds: how closely gateways can tell fresh from stale.',
    fallback: 1_000,
    min: 50,
  }),
  PARK_PER_MINUTE: integer({
    says: 'Rows that Kafka may refuse within a minute, each parking its challenge; one more stops publishing instead.',
    fallback: 3,
    min: 0,
  }),
  RETENTION_HOURS: integer({
    says: 'How old the newest row of a range of the outbox must be, in hours, before the range is emptied.',
    fallback: 72,
    min: 1,
  }),
  STATE_GUARD_MS: integer({
    says: 'How long after a take-over or an unclear send older states are looked for that came behind newer ones, in milliseconds.',
    fallback: 900_000,
    min: 1_000,
  }),
  STATE_SWEEP_MS: integer({
    says: 'Time between two scans for states of challenges closed long ago, in milliseconds; the first comes after a 24th of it.',
    fallback: 86_400_000,
    min: 1_000,
  }),
  CLOSED_STATE_MS: integer({
    says: 'How long a closed challenge keeps its state in Kafka, in milliseconds.',
    fallback: 2_592_000_000,
    min: 1_000,
  }),
  HOUSEKEEPING_MS: integer({
    says: 'Time between two passes of housekeeping over the ranges of the outbox, in milliseconds.',
    fallback: 60_000,
    min: 100,
  }),
  OUTBOX_DISK_BYTES: integer({
    says: 'What the outbox may grow to on its disk, in bytes, from which the hours left are reckoned; 0: not reckoned.',
    fallback: 0,
  }),
};

/** Of the command `topics`. */
export const topicsSettings = { ...kafkaSettings };
