import type { KafkaConnection } from '../port.js';
import { TLS_ANSWER } from './sockets.js';

/** kafkajs's errors, as far as they tell causes apart. */
interface Trouble extends Error {
  readonly code?: unknown;
  readonly type?: unknown;
  /** host:port, where a connection is what failed. */
  readonly broker?: unknown;
}

const UNTRUSTED = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

const NOT_TLS = /before secure TLS connection was established|wrong version number|packet length too long/;

/**
 * What keeps us out of Kafka, in a sentence for whoever can let us in, with the setting to look at. Total: of a failure that it
 * does not know it gives the text. No password is in any of them: kafkajs's texts have none, and ours quote nothing else.
 */
export function whyNot(error: unknown, connection: KafkaConnection, broker = 'Kafka'): string {
  if (!(error instanceof Error)) return String(error);
  const trouble = error as Trouble;
  const who = typeof trouble.broker === 'string' ? trouble.broker : broker;
  const known = tlsTrouble(trouble, who) ?? saslTrouble(trouble, connection, who);
  if (known !== undefined) return known;
  return error.cause instanceof Error ? whyNot(error.cause, connection, who) : error.message;
}

function tlsTrouble({ code, message }: Trouble, who: string): string | undefined {
  if (code === TLS_ANSWER) return `${who} answers in TLS, and we do not speak it (KAFKA_TLS)`;
  if (code === 'CERT_HAS_EXPIRED') return `${who} shows a certificate that has expired`;
  if (code === 'CERT_NOT_YET_VALID') return `${who} shows a certificate that is not valid yet: is our clock right?`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `${who} shows a certificate for another name than the one it was called by`;
  if (typeof code === 'string' && UNTRUSTED.has(code))
    return `${who} shows a certificate that nobody we trust has signed (KAFKA_TLS_CA): ${code}`;
  if (NOT_TLS.test(message)) return `${who} does not answer in TLS: it may be a listener without it (KAFKA_TLS)`;
  return undefined;
}

function saslTrouble({ name, type, message }: Trouble, { sasl }: KafkaConnection, who: string): string | undefined {
  if (name === 'KafkaJSConnectionClosedError' && sasl === undefined)
    return `${who} closed the connection, as a listener does that asks for SASL (KAFKA_SASL_MECHANISM)`;
  if (sasl === undefined) return undefined;
  const mechanism = sasl.mechanism.toUpperCase();
  if (type === 'UNSUPPORTED_SASL_MECHANISM') return `${who} does not offer ${mechanism} (KAFKA_SASL_MECHANISM)`;
  if (type === 'ILLEGAL_SASL_STATE') return `${who} has a listener without SASL there (KAFKA_SASL_MECHANISM)`;
  if (name !== 'KafkaJSSASLAuthenticationError') return undefined;
  // SCRAM proves both ways: these two are found out by us.
  if (/server signature|server nonce/.test(message))
    return `${who} can not prove that it knows the password of ${sasl.username}: it may not be who it says it is`;
  return `${who} refuses ${sasl.username} (KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD): ${message}`;
}
