/** For tests only: Kafka in memory, the suite that it and the real one pass, and what a broker can be asked to do to its logs. */
export { deleteBefore, deleteTopic } from './broker-tools.js';
export { kafkaContract, type Runner, type Subject } from './contract.js';
export { MemoryKafka, type SendFailure } from './memory-kafka.js';
export { MemoryLog } from './memory-log.js';
