import { createRequire } from 'node:module';
import type { Socket } from 'node:net';
import type { Logger } from '@tradesense/platform';
import type { KafkaConfig, RetryOptions, SASLOptions, logCreator } from 'kafkajs';
import type { KafkaConnection } from '../port.js';
import type { VersionRange } from '../protocol/api-versions.js';
import { ByteWriter } from '../protocol/bytes.js';
import type { SocketFactory } from './sockets.js';

/**
 * All that we use of kafkajs beyond its published interface, in one place and for one exact version: a raw connection (TLS, SASL
 * and framing are kafkajs's, requests are ours) and two patches, of its connection and its request queue.
 */
const EXPECTED_VERSION = '2.2.4';

const require = createRequire(import.meta.url);

/** @throws Error when the installed version is another than the one whose private parts were read and tested */
export function assertVersion(version: string): void {
  if (version === EXPECTED_VERSION) return;
  throw new Error(
    `kafkajs is ${version}, but libs/kafka relies on private parts of ${EXPECTED_VERSION}: read src/kafkajs/ first`,
  );
}
assertVersion((require('kafkajs/package.json') as { version: string }).version);

/** kafkajs's connection to one broker, as far as we touch it. */
export interface RawConnection {
  connect(): Promise<unknown>;
  isConnected(): boolean;
  setVersions(versions: Readonly<Record<number, VersionRange>>): void;
  setSupportAuthenticationProtocol(isSupported: boolean): void;
  authenticate(): Promise<void>;
  /** The bytes of the answer behind its correlation id. Logs in anew first where the last login ends soon. */
  ask(request: RawRequest): Promise<Buffer>;
}

export interface RawRequest {
  readonly apiKey: number;
  readonly apiName: string;
  readonly apiVersion: number;
  /** Asked before a login too. */
  readonly isForAll: boolean;
  /** What follows the head. */
  readonly body: Buffer;
}

interface RawConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly clientId: string;
  /** False or absent: plain TCP. */
  readonly ssl?: NonNullable<KafkaConfig['ssl']>;
  readonly sasl?: SASLOptions;
  readonly reauthenticationThreshold?: number;
  readonly socketFactory: SocketFactory;
  readonly connectionTimeout: number;
  readonly requestTimeout: number;
  /** False: whoever asks keeps the time, and no timer of kafkajs runs. */
  readonly enforceRequestTimeout: boolean;
  readonly logger: unknown;
}

export const { Kafka } = require('kafkajs') as typeof import('kafkajs');

type RawConnectionClass = new (options: RawConnectionOptions) => Omit<RawConnection, 'ask'> & Wire;
/** The parts by which a request leaves and an answer finds back. */
interface Wire {
  readonly clientId: string;
  readonly socket: Socket;
  readonly requestQueue: {
    push(request: {
      readonly entry: object;
      readonly expectResponse: true;
      readonly requestTimeout: null;
      sendRequest(): void;
    }): void;
  };
  isAuthenticated(): boolean;
  failIfNotConnected(): void;
  nextCorrelationId(): number;
}
const Connection = require('kafkajs/src/network/connection.js') as RawConnectionClass;
interface Frames {
  readonly socket: Socket;
  isConnected(): boolean;
  connect(): Promise<unknown>;
  processData(bytes: Buffer): void;
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
}
const { prototype: frames } = Connection as unknown as { readonly prototype: Frames };
const original = { connect: frames.connect, processData: frames.processData };
const LENGTH_BYTES = 4;

/**
 * The original connects anew on the same object and keeps what it had of the answer in which the last connection broke: the
 * next one's answers are read as the rest of it, and are awaited in vain, or read beyond their end, where nobody catches what
 * is thrown (pitfall K18).
 */
frames.connect = function (this: Frames): Promise<unknown> {
  if (!this.isConnected()) Object.assign(this, { chunks: [], bytesBuffered: 0, bytesNeeded: LENGTH_BYTES });
  return original.connect.call(this);
};
frames.processData = function (this: Frames, bytes: Buffer): void {
  try {
    original.processData.call(this, bytes);
  } catch (error) {
    this.socket.destroy(error instanceof Error ? error : new Error(String(error)));
  }
};

const { createLogger } = require('kafkajs/src/loggers/index.js') as {
  createLogger(options: { level: number; logCreator: logCreator }): unknown;
};

const ERRORS_ONLY = 1;
const silent: logCreator = () => () => undefined;

/**
 * Requests in their own words: kafkajs's `send` writes each twice, into new buffers of the next power of two. For a batch of the
 * relay that is 2 MB to be made and collected 100 times a second.
 */
class AskingConnection extends Connection implements RawConnection {
  async ask({ apiKey, apiName, apiVersion, isForAll, body }: RawRequest): Promise<Buffer> {
    if (!isForAll && !this.isAuthenticated()) await this.authenticate();
    this.failIfNotConnected();
    const correlationId = this.nextCorrelationId();
    const head = headOf({ apiKey, apiVersion, correlationId, clientId: this.clientId }, body.length);
    const { payload } = await new Promise<{ readonly payload: Buffer }>((resolve, reject) => {
      const sendRequest = (): void => {
        this.socket.cork();
        this.socket.write(head);
        this.socket.write(body);
        this.socket.uncork();
      };
      const entry = { apiKey, apiName, apiVersion, correlationId, resolve, reject };
      this.requestQueue.push({ entry, expectResponse: true, requestTimeout: null, sendRequest });
    });
    return payload;
  }
}

interface Head {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string;
}

const headOf = ({ apiKey, apiVersion, correlationId, clientId }: Head, bodyBytes: number): Buffer => {
  const writer = new ByteWriter();
  writer.int32(0).int16(apiKey).int16(apiVersion).int32(correlationId).string(clientId);
  const head = writer.done();
  head.writeInt32BE(head.length - LENGTH_BYTES + bodyBytes);
  return head;
};

export const rawConnection = (options: Omit<RawConnectionOptions, 'logger'>): RawConnection =>
  new AskingConnection({ ...options, logger: createLogger({ level: ERRORS_ONLY, logCreator: silent }) });

interface RequestQueue {
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  checkPendingRequests(): void;
}
const { prototype: queue } = require('kafkajs/src/network/requestQueue/index.js') as {
  prototype: RequestQueue & { scheduleCheckPendingRequests(): void };
};

const CHECK_MS = 10;

/**
 * The original arms a timer of one millisecond after each check, with nothing waiting too, for ever (pitfall K7). A check is
 * due only while requests wait: when the broker's throttle ends, or soon where too many are in flight.
 */
queue.scheduleCheckPendingRequests = function (this: RequestQueue): void {
  if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
  const throttledMs = this.throttledUntil - Date.now();
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    },
    throttledMs > 0 ? throttledMs : CHECK_MS,
  );
};

/** What kafkajs calls an error is one attempt that failed; whoever called us reports what came of it. */
const quietly =
  (log: Logger | undefined): logCreator =>
  () =>
  ({ log: { message, retryCount } }) =>
    log?.debug({ what: message, attempt: retryCount as number | undefined }, 'kafkajs');

/** Complete, always: what is missing kafkajs takes from defaults that depend on NODE_ENV (pitfall K6). */
export const RETRY: Required<Omit<RetryOptions, 'restartOnFailure'>> = {
  initialRetryTime: 100,
  maxRetryTime: 1_000,
  factor: 0.2,
  multiplier: 2,
  retries: 4,
};

export const CONNECT_MS = 3_000;

/**
 * How long before its end a login is renewed, with the next request. kafkajs's own 10 s would renew it with each request where
 * the broker lets logins last no longer (`connections.max.reauth.ms`), and brokers refuse that within a second.
 */
const RENEW_MS = 2_000;

/** As kafkajs calls it. New objects each time: it writes into what it is given. */
export const entryOf = ({ tls, sasl }: KafkaConnection) => ({
  ssl: tls !== undefined && { ...tls },
  ...(sasl !== undefined && { sasl: { ...sasl } as SASLOptions }),
  reauthenticationThreshold: RENEW_MS,
});

/** One client object: its sockets are ours, so that it can be cut off for good. */
export const clientConfig = (
  connection: KafkaConnection,
  { requestMs, socketFactory, log }: { requestMs: number; socketFactory: SocketFactory; log: Logger | undefined },
): KafkaConfig => ({
  brokers: [...connection.brokers],
  clientId: connection.clientId,
  ...entryOf(connection),
  connectionTimeout: CONNECT_MS,
  authenticationTimeout: CONNECT_MS,
  requestTimeout: requestMs,
  enforceRequestTimeout: true,
  retry: RETRY,
  socketFactory: socketFactory as unknown as NonNullable<KafkaConfig['socketFactory']>,
  logLevel: ERRORS_ONLY,
  logCreator: quietly(log),
});
