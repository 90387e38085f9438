import type { Relations } from './read-config.js';
import { certificates, flag, integer, list, oneOf, port, secret, text, url } from './setting.js';

/** Settings that several services share, declared once. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error'] as const;
export const DEVELOPMENT_SECRET = 'development-secret-for-the-local-stack-only';

export const logSettings = {
  LOG_LEVEL: oneOf(LOG_LEVELS, { says: 'The least level that is logged.', fallback: 'info' }),
};

export const adminSettings = (fallbackPort: number) => ({
  ADMIN_HOST: text({ says: 'Address of the admin listener; 0.0.0.0 in a container.', fallback: '127.0.0.1' }),
  ADMIN_PORT: port({
    says: 'Port of the admin listener: /livez, /readyz, /metrics. 0 takes a free one.',
    fallback: fallbackPort,
  }),
  STOP_MS: integer({
    says: 'Longest orderly stop, in milliseconds; after it the process ends with 1.',
    fallback: 10_000,
    min: 100,
  }),
});

export const kafkaSettings = {
  KAFKA_BROKERS: list({ says: 'Kafka brokers, host:port.', fallback: ['127.0.0.1:19092'], developmentOnly: true }),
  TOPIC_PREFIX: text({ says: 'What all topic names begin with.', fallback: 'tradesense.' }),
  KAFKA_TLS: flag({
    says: "Encrypts the way to Kafka and verifies the brokers' certificates; nothing falls back to plain text.",
    fallback: false,
  }),
  KAFKA_TLS_CA: certificates({
    says: "PEM file of the authorities that may sign the brokers' certificates. Empty: those that Node.js trusts.",
    fallback: '',
  }),
  KAFKA_SASL_MECHANISM: oneOf(['none', 'plain', 'scram-sha-256', 'scram-sha-512'], {
    says: 'How to log in to Kafka; production takes all but none with KAFKA_TLS only.',
    fallback: 'none',
  }),
  KAFKA_SASL_USERNAME: text({ says: 'Who logs in to Kafka.', fallback: '' }),
  KAFKA_SASL_PASSWORD: secret({ says: 'The password of KAFKA_SASL_USERNAME.', fallback: '' }),
};

/** What these settings must be to each other. A mistake here would quietly be less safe than meant. */
export const kafkaRelations: Relations<typeof kafkaSettings> = (config, { production }) => {
  const { KAFKA_TLS: tls, KAFKA_TLS_CA: ca, KAFKA_SASL_MECHANISM: mechanism } = config;
  const hasLogin = mechanism !== 'none';
  const faults: string[] = [];
  if (ca !== '' && !tls) faults.push('KAFKA_TLS_CA is set, but KAFKA_TLS is off');
  for (const name of ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const) {
    if (hasLogin && config[name] === '') faults.push(`${name} is not set, but KAFKA_SASL_MECHANISM is ${mechanism}`);
    if (!hasLogin && config[name] !== '') faults.push(`${name} is set, but KAFKA_SASL_MECHANISM is none`);
  }
  if (production && hasLogin && !tls)
    faults.push(
      'KAFKA_SASL_MECHANISM is set, but KAFKA_TLS is off, which production refuses: anybody on the way could log in',
    );
  return faults;
};

export const tokenSettings = {
  JWT_SECRET: secret({
    says: 'HS256 key that tokens are verified with; not used when JWT_JWKS_URL is set.',
    fallback: DEVELOPMENT_SECRET,
    developmentOnly: true,
  }),
  JWT_JWKS_URL: url({
    says: 'Key set for RS256 and ES256 tokens; https only. Empty text: JWT_SECRET rules.',
    fallback: '',
  }),
  JWT_ISSUER: text({ says: 'What `iss` must be.', fallback: 'tradesense' }),
  JWT_AUDIENCE: text({ says: 'What `aud` must contain.', fallback: 'tradesense' }),
  JWT_USER_CLAIM: text({ says: 'The claim that names the user.', fallback: 'sub' }),
};
