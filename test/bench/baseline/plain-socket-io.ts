/** What `-- gateway` compares with: socket.io's own way, `io.to(room).emit(name, body)`, behind kafkajs's public consumer. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { Server } from 'socket.io';

import { consume } from './consumer.js';

const http = createServer();
const io = new Server(http, { transports: ['websocket'], pingInterval: 10_000, pingTimeout: 5_000 });
io.on('connection', (socket) => {
  socket.on('join_challenge', (body: { challenge_id: string }, answer: (said: object) => void) => {
    void socket.join(`challenge_${body.challenge_id}`);
    answer({ ok: true });
  });
});
await consume((key, value) => void io.to(`challenge_${String(key)}`).emit('equity_updated', JSON.parse(String(value))));
http.listen(0, '127.0.0.1', () => {
  const { port } = http.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ msg: 'listening', port })}\n`);
});
