import type { Admin, OpenReader, Publisher } from '@tradesense/kafka';
import type { Clock, Logger } from '@tradesense/platform';

import type { Housekeeper } from './housekeeping/index.js';
import type { RelayMetrics } from './metrics.js';
import type { Wake } from './wake/index.js';

export interface RelayOptions {
  readonly databaseUrl: string;
  readonly topicPrefix: string;
  readonly leaseMs: number;
  readonly saveMs: number;
  readonly watermarkMs: number;
  /** Rows refused within a minute before publishing stops instead of parking another challenge. */
  readonly parkPerMinute: number;
  /** How long the outbox keeps a row at least. */
  readonly retentionMs: number;
  readonly stateGuardMs: number;
  readonly stateSweepMs: number;
  readonly closedStateMs: number;
  readonly connectAdmin: () => Admin;
  readonly connectPublisher: () => Publisher;
  readonly openReader: OpenReader;
  readonly wake: Wake;
  readonly housekeeper: Pick<Housekeeper, 'run'>;
  readonly metrics: RelayMetrics;
  readonly clock: Clock;
  readonly log: Logger;
  /** Of the n-th attempt in a row, from 0. */
  readonly nextDelayMs: (attempt: number) => number;
  /** For what nobody expected. */
  readonly fail: (error: unknown) => void;
}
