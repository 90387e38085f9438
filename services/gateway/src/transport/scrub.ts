import type { IncomingMessage } from 'node:http';

import type { Socket } from 'socket.io';

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * Empties a handshake's request in place. engine.io keeps the object for the connection's life, whatever one sets to null: a
 * token in its URL or headers would lie in memory, and in whatever prints a handshake, for hours (pitfall T6).
 */
export function scrubRequest(request: IncomingMessage & { readonly _query?: Record<string, unknown> }): void {
  request.rawHeaders.length = 0;
  request.headers = {};
  request.headersDistinct = {};
  request.url = '';
  for (const name of Object.keys(request._query ?? {})) delete request._query?.[name];
}

export function scrubHandshake(socket: Socket): void {
  scrubRequest(socket.request);
  const handshake = socket.handshake as Mutable<Socket['handshake']>;
  handshake.headers = {};
  handshake.query = {};
  handshake.auth = {};
  handshake.url = '';
}
