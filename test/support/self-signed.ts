import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';

/** In PEM: what a server in a test shows, and the key to it. */
export interface Certified {
  readonly key: string;
  readonly cert: string;
}

interface Wanted {
  /** Whom it is for: a host's name, and 127.0.0.1 where wanted. */
  readonly host?: string;
  readonly isLoopback?: boolean;
  readonly untilMs?: number;
}

/** A key and a certificate for `localhost` and 127.0.0.1, signed by itself, good for an hour: for servers inside a test. */
export const selfSigned = (): Certified => new Authority('localhost').issueOwn();

/** Signs certificates, each good for an hour unless it says otherwise. */
export class Authority {
  readonly #pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });

  constructor(private readonly name = "a test's authority") {}

  /** Its own certificate, by which others trust it. */
  get cert(): string {
    return this.#sign(this.name, this.#pair.publicKey, [IS_AUTHORITY], Date.now() + HOUR_MS);
  }

  issue({ host = 'localhost', isLoopback = true, untilMs = Date.now() + HOUR_MS }: Wanted = {}): Certified {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    return {
      key: pemOf(privateKey),
      cert: this.#sign(host, publicKey, [alternativeNames(host, isLoopback)], untilMs),
    };
  }

  /** For itself: an authority that trusts nobody else. */
  issueOwn(): Certified {
    const names = alternativeNames(this.name, true);
    return {
      key: pemOf(this.#pair.privateKey),
      cert: this.#sign(this.name, this.#pair.publicKey, [names], Date.now() + HOUR_MS),
    };
  }

  #sign(subject: string, publicKey: KeyObject, extensions: readonly Buffer[], untilMs: number): string {
    const body = sequence(
      tagged(0xa0, integer(Buffer.from([2]))), // version 3
      integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
      ALGORITHM,
      distinguished(this.name),
      sequence(time(untilMs - 2 * HOUR_MS), time(untilMs)),
      distinguished(subject),
      publicKey.export({ type: 'spki', format: 'der' }),
      tagged(0xa3, sequence(...extensions)),
    );
    const signature = sign('sha256', body, this.#pair.privateKey);
    const certificate = sequence(body, ALGORITHM, tagged(0x03, Buffer.concat([Buffer.from([0]), signature])));
    // No empty line at the end, which OpenSSL would not read: every fourth certificate fills its last line.
    const lines = certificate
      .toString('base64')
      .match(/.{1,64}/g)
      ?.join('\n');
    return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
  }
}

const HOUR_MS = 3_600_000;
const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

/** DER: one byte of kind, the length, the content. */
function tagged(kind: number, content: Buffer): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([kind, ...size]), content]);
}
const sequence = (...parts: readonly Buffer[]): Buffer => tagged(0x30, Buffer.concat(parts));
const set = (...parts: readonly Buffer[]): Buffer => tagged(0x31, Buffer.concat(parts));
const integer = (bytes: Buffer): Buffer => tagged(0x02, bytes);
const oid = (hex: string): Buffer => tagged(0x06, Buffer.from(hex, 'hex'));
const utf8 = (text: string): Buffer => tagged(0x0c, Buffer.from(text));
const time = (ms: number): Buffer => tagged(0x18, Buffer.from(new Date(ms).toISOString().replace(/[-:T]|\.\d+/g, '')));
const distinguished = (name: string): Buffer => sequence(set(sequence(oid('550403'), utf8(name))));

const ALGORITHM = sequence(oid('2a8648ce3d040302')); // ecdsa-with-SHA256
/** basicConstraints, critical: an authority. */
const IS_AUTHORITY = sequence(
  oid('551d13'),
  tagged(0x01, Buffer.from([0xff])),
  tagged(0x04, sequence(tagged(0x01, Buffer.from([0xff])))),
);

function alternativeNames(host: string, isLoopback: boolean): Buffer {
  const loopback = isLoopback ? [tagged(0x87, Buffer.from([127, 0, 0, 1]))] : [];
  return sequence(oid('551d11'), tagged(0x04, sequence(tagged(0x82, Buffer.from(host)), ...loopback)));
}
