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

const TURNED_AWAY = 'ERR_TURNED_AWAY';

/** Marks a connection that was closed at the first question behind ApiVersions: a listener that asks for SASL does so. */
export const turnedAway = (error: unknown): unknown =>
  error instanceof Error && error.name === 'KafkaJSConnectionClosedError'
    ? Object.assign(error, { code: TURNED_AWAY })
    : error;

/** What went wrong, in a sentence for whoever can mend it; a failure that is no matter of entry is told as it is. */
export function whyNot(error: unknown, connection: KafkaConnection, broker?: string): string {
  const known = troubleOf(error, connection, broker);
  if (known !== undefined) return known;
  const several = (error as { readonly errors?: unknown }).errors;
  if (Array.isArray(several)) return [...new Set(several.map((one) => whyNot(one, connection, broker)))].join('; '); // of each topic the same
  return error instanceof Error ? error.message : String(error);
}

/**
 * What keeps us out of Kafka, with the setting to look at; undefined where it is something else. No password is in it: kafkajs's
 * texts have none, and ours quote nothing else.
 */
export function troubleOf(error: unknown, connection: KafkaConnection, broker = 'Kafka'): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const trouble = error as Trouble;
  const who = typeof trouble.broker === 'string' ? trouble.broker : broker;
  return tlsTrouble(trouble, who) ?? saslTrouble(trouble, connection, who) ?? troubleOf(error.cause, connection, who);
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

function saslTrouble(
  { name, code, type, message }: Trouble,
  { sasl }: KafkaConnection,
  who: string,
): string | undefined {
  if (code === TURNED_AWAY && sasl === undefined)
    return `${who} closed the connection at the first question: it may ask for SASL (KAFKA_SASL_MECHANISM)`;
  if (sasl === undefined) return undefined;
  const mechanism = sasl.mechanism.toUpperCase();
  if (type === 'UNSUPPORTED_SASL_MECHANISM') return `${who} does not offer ${mechanism} (KAFKA_SASL_MECHANISM)`;
  if (type === 'ILLEGAL_SASL_STATE') return `${who} has a listener without SASL there (KAFKA_SASL_MECHANISM)`;
  if (name !== 'KafkaJSSASLAuthenticationError') return undefined;
  // SCRAM proves both ways: these two are found out by us.
  if (/server signature|server nonce/.test(message))
    return `${who} can not prove that it knows the password of ${sasl.username}: it may not be who it says it is`;
  const why = message.includes('invalid credentials') ? 'the name or the password is wrong' : message;
  return `${who} refuses ${sasl.username}: ${why} (KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD)`;
}
