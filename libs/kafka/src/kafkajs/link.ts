import type { KafkaConnection } from '../port.js';
import { apiVersionsRequest } from '../protocol/api-versions.js';
import { ByteReader } from '../protocol/bytes.js';
import type { Address } from '../protocol/metadata.js';
import type { Request } from '../protocol/request.js';
import { CONNECT_MS, entryOf, rawConnection, type RawConnection } from './library.js';
import { Sockets } from './sockets.js';
import { turnedAway, whyNot } from './why-not.js';

const API_VERSIONS_KEY = 18;
const SASL_AUTHENTICATE_KEY = 36;

/**
 * One connection to one broker, for requests of our own. It is used once: after an error, a time-out or `close` everything
 * in flight has been rejected and another link has to be opened.
 */
export class Link {
  readonly #sockets = new Sockets();
  readonly #connection: RawConnection;
  /** Whether anything was answered that is not told everybody. */
  #isLetIn = false;

  constructor(
    private readonly connection: KafkaConnection,
    readonly address: Address,
    private readonly answerMs: number,
  ) {
    this.#connection = rawConnection({
      ...address,
      ...entryOf(connection),
      clientId: connection.clientId,
      socketFactory: this.#sockets.factory,
      connectionTimeout: CONNECT_MS,
      requestTimeout: answerMs,
      enforceRequestTimeout: false,
    });
  }

  get isOpen(): boolean {
    return this.#connection.isConnected();
  }

  /** @throws Error when the broker is away, silent, or does not speak the versions needed */
  async open(needed: readonly Pick<Request<unknown>, 'apiKey' | 'apiName' | 'version'>[]): Promise<void> {
    try {
      await this.#connection.connect();
      const versions = await this.#ask(apiVersionsRequest);
      for (const { apiKey, apiName, version } of needed) {
        const range = versions[apiKey];
        if (range === undefined || version < range.minVersion || version > range.maxVersion) {
          throw new Error(`the broker does not offer ${apiName} v${version}`);
        }
      }
      this.#connection.setVersions(versions);
      this.#connection.setSupportAuthenticationProtocol(versions[SASL_AUTHENTICATE_KEY] !== undefined);
      await this.#within(this.answerMs, () => this.#connection.authenticate());
    } catch (error) {
      this.close();
      throw this.#told(error);
    }
  }

  /** @param extraMs what the broker may take by the request's own terms, beside the time for answering */
  async request<T>(request: Request<T>, extraMs = 0): Promise<T> {
    try {
      const answer = await this.#ask(request, extraMs);
      this.#isLetIn = true;
      return answer;
    } catch (error) {
      throw this.#isLetIn ? error : this.#told(turnedAway(error));
    }
  }

  #ask<T>({ apiKey, apiName, version: apiVersion, body, decode }: Request<T>, extraMs = 0): Promise<T> {
    const isForAll = apiKey === API_VERSIONS_KEY;
    return this.#within(this.answerMs + extraMs, async () => {
      return decode(new ByteReader(await this.#connection.ask({ apiKey, apiName, apiVersion, isForAll, body })));
    });
  }

  close(because: Error = new Error('the link was closed')): void {
    this.#sockets.cut(because);
  }

  #told(error: unknown): Error {
    const { host, port } = this.address;
    return new Error(whyNot(error, this.connection, `${host}:${port}`), { cause: error });
  }

  async #within<T>(ms: number, work: () => Promise<T>): Promise<T> {
    const { host, port } = this.address;
    const timer = setTimeout(() => this.close(new Error(`${host}:${port} has not answered for ${ms} ms`)), ms);
    try {
      return await work();
    } finally {
      clearTimeout(timer);
    }
  }
}
