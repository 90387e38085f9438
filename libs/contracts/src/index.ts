/** What crosses a process boundary: events, topics, headers, socket messages, errors, money. Imports nothing of ours. */
export {
  ACCESS_KINDS,
  ACCESS_REASON_MAX_LENGTH,
  AccessBlock,
  accessKeyOf,
  isAccessId,
  readAccessKey,
  type AccessKind,
  type AccessTarget,
} from './access.js';
export { compareCursors, isBeyond, isCursor, type Cursor } from './cursor.js';
export * from './errors/index.js';
export * from './events/index.js';
export { HEADER, REQUIRED_HEADERS, headersOf, type RecordFacts } from './headers.js';
export {
  UUID_PATTERN,
  USER_ID_MAX_LENGTH,
  isChallengeId,
  isUuid,
  type ChallengeId,
  type EventId,
  type TradeId,
  type UserId,
} from './ids.js';
export { INSTANT_PATTERN, Instant, readInstant, type InstantReading } from './instant.js';
export {
  MONEY_PATTERN,
  Money,
  percentOf,
  readMoney,
  type MoneyFault,
  type MoneyReading,
  type Rounding,
} from './money.js';
export * from './socket/index.js';
export {
  CHALLENGE_PARTITIONS,
  DEFAULT_TOPIC_PREFIX,
  EVENTS,
  STATE,
  topicsOf,
  type AggregateType,
  type TopicSpec,
  type Topics,
} from './topics.js';
export { Watermark } from './watermark.js';
