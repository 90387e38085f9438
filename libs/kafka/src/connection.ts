import type { ConfigOf, kafkaSettings } from '@tradesense/platform';
import type { KafkaConnection } from './port.js';

/** The way to Kafka that a service's settings describe (`kafkaRelations` has passed them). */
export function kafkaConnectionOf(config: ConfigOf<typeof kafkaSettings>, clientId: string): KafkaConnection {
  const { KAFKA_BROKERS: brokers, KAFKA_TLS_CA: ca, KAFKA_SASL_MECHANISM: mechanism } = config;
  const { KAFKA_SASL_USERNAME: username, KAFKA_SASL_PASSWORD: password } = config;
  return {
    brokers,
    clientId,
    ...(config.KAFKA_TLS && { tls: ca === '' ? {} : { ca } }),
    ...(mechanism !== 'none' && { sasl: { mechanism, username, password } }),
  };
}
