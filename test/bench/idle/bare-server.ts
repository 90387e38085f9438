/**
 * What `-- connections` compares with: a plain socket.io server that verifies an HMAC token in its middleware and joins the room
 * that is asked for. Ping times and transport as ours, all else as socket.io has it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Server } from 'socket.io';

const secret = process.env['JWT_SECRET'] ?? '';

function userOf(token: unknown): string {
  const [header, payload, signature] = String(token).split('.');
  const due = createHmac('sha256', secret).update(`${header}.${payload}`).digest();
  const given = Buffer.from(signature ?? '', 'base64url');
  if (given.length !== due.length || !timingSafeEqual(given, due)) throw new Error('unauthorized');
  const claims = JSON.parse(Buffer.from(payload ?? '', 'base64url').toString()) as { sub: string; exp: number };
  if (claims.exp * 1000 < Date.now()) throw new Error('token_expired');
  return claims.sub;
}

const http = createServer();
const io = new Server(http, { transports: ['websocket'], pingInterval: 10_000, pingTimeout: 5_000 });
io.use((socket, next) => {
  try {
    (socket.data as { user: string }).user = userOf((socket.handshake.auth as { token?: unknown }).token);
    next();
  } catch (error) {
    next(error as Error);
  }
});
io.on('connection', (socket) => {
  socket.on('join_challenge', (body: { challenge_id: string }, answer: (said: object) => void) => {
    void socket.join(`challenge_${body.challenge_id}`);
    answer({ ok: true });
  });
});
http.listen(0, '127.0.0.1', () => {
  const { port } = http.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ msg: 'listening', port })}\n`);
});
