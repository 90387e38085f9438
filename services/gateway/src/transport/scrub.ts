import type { IncomingMessage } from 'node:http';

import type { Socket } from 'socket.io';

/** One for all: each would have five. */
const NOTHING = Object.freeze({});

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * Empties a handshake's request in place. engine.io keeps the object for the connection's life, whatever one sets to null: a
 * token in its URL or headers would lie in memory, and in whatever prints a handshake, for hours (pitfall T6).
 */
export function scrubRequest(request: IncomingMessage & { _query?: Readonly<Record<string, string>> }): void {
  request.rawHeaders.length = 0;
  request.headers = NOTHING;
  request.headersDistinct = NOTHING;
  request.url = '';
  if (request._query !== undefined) request._query = NOTHING;
}

export function scrubHandshake(socket: Socket): void {
  scrubRequest(socket.request);
  const handshake = socket.handshake as Mutable<Socket['handshake']>;
  handshake.headers = NOTHING;
  handshake.query = NOTHING;
  handshake.auth = NOTHING;
  handshake.url = '';
}
