/**
 * Kafka topics: names, keys, clean-up (design 7). The partition count is fixed for life: changing it moves keys, and a
 * challenge's old and new events would run in parallel. To grow, make a new topic.
 */
export const CHALLENGE_PARTITIONS = 12;
export const DEFAULT_TOPIC_PREFIX = 'tradesense.';

/** What the outbox calls its two streams (`aggregatetype`); the topic is prefix + suffix, as Debezium would route it. */
export const EVENTS = 'challenge-events';
export const STATE = 'challenge-state';
export type AggregateType = typeof EVENTS | typeof STATE;

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  /** Kafka's own setting names and values. */
  readonly settings: Readonly<Record<string, string>>;
}

export interface Topics {
  readonly events: TopicSpec;
  readonly state: TopicSpec;
  readonly watermarks: TopicSpec;
  readonly access: TopicSpec;
  readonly replay: TopicSpec;
  readonly audit: TopicSpec;
}

const DAY_MS = 86_400_000;
const always = { 'message.timestamp.type': 'LogAppendTime', 'compression.type': 'uncompressed' };
const kept = (days: number) => ({ ...always, 'cleanup.policy': 'delete', 'retention.ms': String(days * DAY_MS) });
const compacted = {
  ...always,
  'cleanup.policy': 'compact',
  'segment.ms': '300000',
  'segment.bytes': String(64 * 1024 * 1024),
  'min.cleanable.dirty.ratio': '0.1',
};

/** @param prefix `tradesense.` in production; a test that shares brokers with others takes one of its own */
export const topicsOf = (prefix: string = DEFAULT_TOPIC_PREFIX): Topics => ({
  events: { name: prefix + EVENTS, partitions: CHALLENGE_PARTITIONS, settings: kept(7) },
  state: { name: prefix + STATE, partitions: CHALLENGE_PARTITIONS, settings: compacted },
  watermarks: { name: `${prefix}watermarks`, partitions: 1, settings: kept(1) },
  access: { name: `${prefix}access`, partitions: 1, settings: compacted },
  replay: { name: `${prefix}replay`, partitions: CHALLENGE_PARTITIONS, settings: kept(1) },
  audit: { name: `${prefix}audit`, partitions: 1, settings: kept(400) },
});
