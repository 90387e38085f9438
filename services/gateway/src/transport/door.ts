import { ServerResponse, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { SOCKET_CODES, type SocketCode } from '@tradesense/contracts';

import { addressKey, isAllowedOrigin, Seats, type Leave, type TrustedProxies } from '../access/index.js';
import type { TurnedAway } from './signals.js';

export interface DoorOptions {
  readonly allowedOrigins: readonly string[];
  readonly proxies: TrustedProxies;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
}

export interface DoorListener {
  turnedAway(reason: TurnedAway): void;
  /** A request of this connection was refused for its size. */
  tooBig(sid: string): void;
}

type EngineRequest = IncomingMessage & { readonly _query?: Readonly<Record<string, string>> };

/** Why the door refuses, and what for an answer that is. */
const REFUSALS = {
  origin: { status: 403, reason: 'Forbidden', code: 'forbidden' },
  per_address: { status: 429, reason: 'Too Many Requests', code: 'too_many_connections' },
  in_all: { status: 503, reason: 'Service Unavailable', code: 'unavailable' },
  draining: { status: 503, reason: 'Service Unavailable', code: 'unavailable' },
} as const satisfies Partial<Record<TurnedAway, { status: number; reason: string; code: SocketCode }>>;
type Refused = keyof typeof REFUSALS;

const RETRY_AFTER_S = 5;
const TOO_BIG = 413;

/** Of the connection that a request belongs to. As engine.io sees it: an empty one is none, and asks for a new connection. */
export const sidOf = ({ _query: query }: EngineRequest): string | undefined => query?.['sid'] || undefined;

/**
 * Before there is a connection: Origin and counts, for polling and upgrades alike. CORS does not guard WebSocket, and
 * engine.io asks its `allowRequest` only once and answers upgrades 400 (pitfall S7); here every request is asked.
 */
export class Door {
  readonly #total: Seats;
  readonly #byAddress: Seats;
  /** Handshakes under way that have taken their seats, and for which address. */
  readonly #held = new WeakMap<IncomingMessage, string>();
  #isClosed = false;

  constructor(
    private readonly options: DoorOptions,
    private readonly listener: DoorListener,
  ) {
    this.#total = new Seats(options.maxConnections);
    this.#byAddress = new Seats(options.maxConnectionsPerAddress);
  }

  /** Addresses that have seats, and one for all together; 0: everybody has left. */
  get taken(): number {
    return this.#total.size + this.#byAddress.size;
  }

  /** Nobody comes in any more. */
  close(): void {
    this.#isClosed = true;
  }

  /** A middleware of engine.io. */
  readonly knock = (request: EngineRequest, response: unknown, next: () => void): void => {
    const refused = this.#refusal(request);
    if (refused === undefined) {
      // One that becomes a connection has become one by the end of this turn of the loop; any other came to nothing.
      setImmediate(() => this.seatOf(request)());
      if (response instanceof ServerResponse) this.#watchSize(request, response);
      return next();
    }
    this.listener.turnedAway(refused);
    if (response instanceof ServerResponse) answer(response, refused);
    else answerUpgrade(request.socket, refused);
  };

  /** How to leave the seat of a handshake that has become a connection; to be called once. */
  seatOf(request: IncomingMessage): Leave {
    const address = this.#held.get(request);
    if (address === undefined) return () => undefined;
    this.#held.delete(request);
    return () => {
      this.#total.vacate('');
      this.#byAddress.vacate(address);
    };
  }

  #refusal(request: EngineRequest): Refused | undefined {
    const { allowedOrigins, proxies } = this.options;
    if (!isAllowedOrigin(request.headers.origin, allowedOrigins)) return 'origin';
    if (sidOf(request) !== undefined) return undefined;
    if (this.#isClosed) return 'draining';
    if (!this.#total.occupy('')) return 'in_all';
    const address = addressKey(proxies.clientOf(request.socket.remoteAddress, request.headers));
    if (!this.#byAddress.occupy(address)) {
      this.#total.vacate('');
      return 'per_address';
    }
    this.#held.set(request, address);
    return undefined;
  }

  /** engine.io answers a body over the limit and says nothing of it; of a WebSocket it closes the connection. */
  #watchSize(request: EngineRequest, response: ServerResponse): void {
    const sid = sidOf(request);
    if (sid === undefined || request.method !== 'POST') return;
    response.once('close', () => {
      if (response.statusCode === TOO_BIG) this.listener.tooBig(sid);
    });
  }
}

const bodyOf = (code: SocketCode): string => JSON.stringify({ code, message: SOCKET_CODES[code].message });

/** Whoever is refused keeps no connection, which would take no seat. */
const headersOf = (code: SocketCode, body: string): Record<string, string | number> => ({
  'content-type': 'application/json',
  'content-length': Buffer.byteLength(body),
  'cache-control': 'no-store',
  connection: 'close',
  ...(SOCKET_CODES[code].terminal ? {} : { 'retry-after': RETRY_AFTER_S }),
});

function answer(response: ServerResponse, refused: Refused): void {
  const { status, code } = REFUSALS[refused];
  const body = bodyOf(code);
  response.writeHead(status, headersOf(code, body)).end(body);
}

function answerUpgrade(socket: Duplex, refused: Refused): void {
  const { status, reason, code } = REFUSALS[refused];
  const body = bodyOf(code);
  const headers = Object.entries(headersOf(code, body)).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.on('error', () => undefined);
  socket.end(`HTTP/1.1 ${status} ${reason}\r\n${headers.join('')}\r\n${body}`, () => socket.destroy());
}
