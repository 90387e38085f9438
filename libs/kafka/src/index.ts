/** Our words for Kafka: Publisher, Reader, Admin. Only `kafkajs/` knows the library behind them. */
import { KafkaAdmin, type AdminOptions } from './kafkajs/admin.js';
import type { Admin, KafkaConnection, Publisher, Reader, ReaderHandlers, ReaderTopic } from './port.js';
import { KafkaPublisher, type PublisherOptions } from './publisher/publisher.js';
import { KafkaReader, type ReaderOptions } from './reader/reader.js';

export { kafkaConnectionOf } from './connection.js';
export type { AdminOptions } from './kafkajs/admin.js';
export { partitionOf } from './partition.js';
export { RecordRefused } from './port.js';
export type {
  Admin,
  Ends,
  IncomingRecord,
  KafkaConnection,
  Loss,
  OutgoingRecord,
  Publisher,
  Reader,
  ReaderHandlers,
  ReaderTopic,
  Sasl,
  StartAt,
  TopicFault,
  TopicRecords,
} from './port.js';
export type { PublisherOptions } from './publisher/publisher.js';
export type { ReaderOptions } from './reader/reader.js';
export { readStretch, type OpenReader, type Stretch } from './reader/stretch.js';

/** Connects with the first send, within its deadline; a Kafka that is away makes sends fail with `publish-unclear`. */
export const connectPublisher = (connection: KafkaConnection, options: PublisherOptions): Publisher =>
  new KafkaPublisher(connection, options);

/** Nothing is read before `start`. */
export const openReader = (
  connection: KafkaConnection,
  topics: readonly ReaderTopic[],
  handlers: ReaderHandlers,
  options: ReaderOptions = {},
): Reader => new KafkaReader(connection, topics, handlers, options);

/** Connects with the first call. Each call fails with `kafka-unavailable` (remedy `wait`) when Kafka does not answer in time. */
export const connectAdmin = (connection: KafkaConnection, options: AdminOptions = {}): Admin =>
  new KafkaAdmin(connection, options);
