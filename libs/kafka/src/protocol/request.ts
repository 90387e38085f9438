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

/** Answers that blame the records themselves: sent again they fail again. */
export const REFUSALS: ReadonlySet<number> = new Set([2, 10, 18, 32, 43, 87]);

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
  10: 'MESSAGE_TOO_LARGE',
  17: 'INVALID_TOPIC_EXCEPTION',
  18: 'RECORD_LIST_TOO_LARGE',
  19: 'NOT_ENOUGH_REPLICAS',
  20: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  29: 'TOPIC_AUTHORIZATION_FAILED',
  31: 'CLUSTER_AUTHORIZATION_FAILED',
  32: 'INVALID_TIMESTAMP',
  43: 'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  44: 'POLICY_VIOLATION',
  56: 'KAFKA_STORAGE_ERROR',
  74: 'FENCED_LEADER_EPOCH',
  75: 'UNKNOWN_LEADER_EPOCH',
  76: 'UNSUPPORTED_COMPRESSION_TYPE',
  78: 'OFFSET_NOT_AVAILABLE',
  87: 'INVALID_RECORD',
};
export const errorName = (code: number): string => NAMES[code] ?? `error ${code}`;
