import type { ByteReader } from './bytes.js';

/** One request of Kafka's protocol: its bytes behind the header, and how its answer is read. */
export interface Request<T> {
  readonly apiKey: number;
  readonly apiName: string;
  readonly version: number;
  readonly body: Buffer;
  decode(answer: ByteReader): T;
}

/** Error codes that mean something to us; all others are waited out. */
export const ERROR = { none: 0, offsetOutOfRange: 1, unknownTopic: 3 } as const;

/** Names for logs and faults; what is not listed shows as its number. */
const NAMES: Readonly<Record<number, string>> = {
  [-1]: 'UNKNOWN_SERVER_ERROR',
  1: 'OFFSET_OUT_OF_RANGE',
  2: 'CORRUPT_MESSAGE',
  3: 'UNKNOWN_TOPIC_OR_PARTITION',
  5: 'LEADER_NOT_AVAILABLE',
  6: 'NOT_LEADER_OR_FOLLOWER',
  7: 'REQUEST_TIMED_OUT',
  9: 'REPLICA_NOT_AVAILABLE',
  17: 'INVALID_TOPIC_EXCEPTION',
  29: 'TOPIC_AUTHORIZATION_FAILED',
  56: 'KAFKA_STORAGE_ERROR',
  74: 'FENCED_LEADER_EPOCH',
  75: 'UNKNOWN_LEADER_EPOCH',
  78: 'OFFSET_NOT_AVAILABLE',
};
export const errorName = (code: number): string => NAMES[code] ?? `error ${code}`;
