/** Our words for Kafka: Publisher, Reader, Admin. Only `kafkajs/` knows the library behind them. */
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
  StartAt,
  TopicFault,
  TopicRecords,
} from './port.js';
// connectPublisher(connection, options): Publisher, openReader(connection, topics, handlers, options): Reader, connectAdmin(connection): Admin
