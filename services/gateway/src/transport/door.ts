import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { SOCKET_CODES, type SocketCode } from '@tradesense/contracts';

import { addressKey, isAllowedOrigin, Seats } from '../access/index.js';

export interface DoorOptions {
  readonly allowedOrigins: readonly string[];
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

type EngineRequest = IncomingMessage & { readonly _query?: Readonly<Record<string, unknown>> };

const STATUS: Partial<Record<SocketCode, string>> = {
  forbidden: '403 Forbidden',
  too_many_connections: '429 Too Many Requests',
  unavailable: '503 Service Unavailable',
};
const RETRY_AFTER_S = 5;

/**
 * Before there is a connection: Origin and counts, for polling and upgrades alike. CORS does not guard WebSocket, and
 * engine.io asks its `allowRequest` only once and answers upgrades 400 (pitfall S7); here every request is asked.
 */
export class Door {
  readonly #total: Seats;
  readonly #byAddress: Seats;
  /** Seats of handshakes under way. */
  readonly #held = new WeakMap<IncomingMessage, () => void>();
  #isClosed = false;

  constructor(
    private readonly options: DoorOptions,
    private readonly turnedAway: (code: SocketCode) => void,
  ) {
    this.#total = new Seats(options.maxConnections);
    this.#byAddress = new Seats(options.maxConnectionsPerAddress);
  }

  /** Nobody comes in any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** A middleware of engine.io. */
  readonly knock = (request: EngineRequest, response: unknown, next: () => void): void => {
    const code = this.#refusal(request);
    if (code === undefined) {
      const freed = response instanceof ServerResponse ? response : request.socket;
      freed.once('close', () => this.#giveUp(request));
      return next();
    }
    this.turnedAway(code);
    if (response instanceof ServerResponse) answer(response, code);
    else answerUpgrade(request.socket, code);
  };

  /** The seat of a handshake that has become a connection. */
  seatOf(request: IncomingMessage): () => void {
    const leave = this.#held.get(request);
    this.#held.delete(request);
    return leave ?? (() => undefined);
  }

  #refusal(request: EngineRequest): SocketCode | undefined {
    if (!isAllowedOrigin(request.headers.origin, this.options.allowedOrigins)) return 'forbidden';
    if (request._query?.['sid'] !== undefined) return undefined; // belongs to a connection
    if (this.#isClosed) return 'unavailable';
    const leaveTotal = this.#total.take('');
    if (leaveTotal === undefined) return 'unavailable';
    const leaveAddress = this.#byAddress.take(addressKey(request.socket.remoteAddress));
    if (leaveAddress === undefined) {
      leaveTotal();
      return 'too_many_connections';
    }
    this.#held.set(request, () => {
      leaveTotal();
      leaveAddress();
    });
    return undefined;
  }

  #giveUp(request: IncomingMessage): void {
    this.seatOf(request)();
  }
}

const bodyOf = (code: SocketCode): string => JSON.stringify({ code, message: SOCKET_CODES[code].message });
const headersOf = (code: SocketCode, body: string): Record<string, string | number> => ({
  'content-type': 'application/json',
  'content-length': Buffer.byteLength(body),
  'cache-control': 'no-store',
  ...(SOCKET_CODES[code].terminal ? {} : { 'retry-after': RETRY_AFTER_S }),
});

function answer(response: ServerResponse, code: SocketCode): void {
  const body = bodyOf(code);
  response.writeHead(parseInt(STATUS[code] ?? '403', 10), headersOf(code, body)).end(body);
}

function answerUpgrade(socket: Duplex, code: SocketCode): void {
  const body = bodyOf(code);
  const headers = Object.entries({ ...headersOf(code, body), connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  socket.on('error', () => undefined);
  socket.end(`HTTP/1.1 ${STATUS[code] ?? ''}\r\n${headers.join('')}\r\n${body}`, () => socket.destroy());
}
