import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { kafkaConnectionOf } from '@tradesense/kafka';
import { kafkaRelations, kafkaSettings, printConfig, readConfig, type Environment } from '@tradesense/platform';

import { selfSigned } from '../../support/self-signed.js';

const folder = mkdtempSync(join(tmpdir(), 'tradesense-kafka-settings-'));
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const { cert, key } = selfSigned();
const ca = file('ca.pem', `what it is for\n${cert}${cert}`);
afterAll(() => rmSync(folder, { recursive: true }));

const read = (env: Environment) => readConfig(kafkaSettings, env, kafkaRelations);
const faultsOf = (env: Environment): readonly string[] => {
  const reading = read(env);
  return reading.ok ? [] : reading.faults;
};
const connectionOf = (env: Environment) => {
  const reading = read(env);
  if (!reading.ok) throw new Error(reading.faults.join());
  return kafkaConnectionOf(reading.config, 'me');
};
const LOGIN = { KAFKA_SASL_MECHANISM: 'scram-sha-512', KAFKA_SASL_USERNAME: 'u', KAFKA_SASL_PASSWORD: 'a-password' };

describe('the way to Kafka', () => {
  it('is plain unless something is set', () => {
    expect(connectionOf({})).toEqual({ brokers: ['127.0.0.1:19092'], clientId: 'me' });
  });

  it('is TLS, with the authorities that are named or those of Node.js', () => {
    expect(connectionOf({ KAFKA_TLS: 'on' })).toMatchObject({ tls: {} });
    const { tls, sasl } = connectionOf({ KAFKA_TLS: 'on', KAFKA_TLS_CA: ca });
    expect(tls?.ca?.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(sasl).toBeUndefined();
  });

  it('takes a login, whose password no print shows', () => {
    const env = { ...LOGIN, KAFKA_TLS: 'on', KAFKA_TLS_CA: ca };
    expect(connectionOf(env).sasl).toEqual({ mechanism: 'scram-sha-512', username: 'u', password: 'a-password' });
    const reading = read(env);
    const printed = reading.ok ? printConfig(kafkaSettings, reading.config, env) : '';
    expect(printed).toContain('KAFKA_TLS_CA=2 certificates');
    expect(printed).toContain('KAFKA_SASL_PASSWORD=********');
    expect(printed).not.toContain('a-password');
  });

  it.each<[what: string, env: Environment, says: readonly RegExp[]]>([
    [
      'a file that is not there',
      { KAFKA_TLS: 'on', KAFKA_TLS_CA: join(folder, 'none') },
      [/KAFKA_TLS_CA must be a file/],
    ],
    ['a file without certificates', { KAFKA_TLS: 'on', KAFKA_TLS_CA: file('key.pem', key) }, [/KAFKA_TLS_CA must be/]],
    [
      'a certificate that is none',
      { KAFKA_TLS: 'on', KAFKA_TLS_CA: file('bad.pem', cert.replace(/[A-Za-z]{20}/, '')) },
      [/KAFKA_TLS_CA must be/],
    ],
    ['authorities without TLS', { KAFKA_TLS_CA: ca }, [/KAFKA_TLS is off/]],
    ['a mechanism alone', { KAFKA_SASL_MECHANISM: 'plain' }, [/USERNAME is not set/, /PASSWORD is not set/]],
    ['a password alone', { KAFKA_SASL_PASSWORD: 'a-password' }, [/PASSWORD is set, but KAFKA_SASL_MECHANISM is none/]],
    ['an unknown mechanism', { ...LOGIN, KAFKA_SASL_MECHANISM: 'gssapi' }, [/KAFKA_SASL_MECHANISM must be none or/]],
    [
      'a login that production would send in the clear',
      { ...LOGIN, NODE_ENV: 'production', KAFKA_BROKERS: 'a:1' },
      [/production refuses/],
    ],
  ])('refuses %s', (_, env, says) => {
    const faults = faultsOf(env);
    expect(faults).toHaveLength(says.length);
    says.forEach((one, index) => expect(faults[index]).toMatch(one));
    expect(faults.join()).not.toContain('a-password');
  });
});
