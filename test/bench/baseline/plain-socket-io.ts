/** What `-- gateway` compares with: socket.io's own way, `io.to(room).emit(name, body)`, behind kafkajs's public consumer. */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';

import { Kafka, logLevel } from 'kafkajs';
import { Server } from 'socket.io';

const topic = process.env['TOPIC'] ?? '';

const http = createServer();
const io = new Server(http, { transports: ['websocket'], pingInterval: 10_000, pingTimeout: 5_000 });
io.on('connection', (socket) => {
  socket.on('join_challenge', (body: { challenge_id: string }, answer: (said: object) => void) => {
    void socket.join(`challenge_${body.challenge_id}`);
    answer({ ok: true });
  });
});
const kafka = new Kafka({
  brokers: (process.env['BROKERS'] ?? '').split(','),
  logLevel: logLevel.NOTHING,
  socketFactory: ({ host, port, onConnect }) => connect({ host, port, noDelay: true }, onConnect),
});
const consumer = kafka.consumer({ groupId: randomUUID() });
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: false });
const joined = new Promise<void>((resolve) => {
  consumer.on(consumer.events.GROUP_JOIN, () => resolve());
});
await consumer.run({
  autoCommit: false,
  eachBatch: ({ batch }) => {
    for (const { key, value } of batch.messages)
      io.to(`challenge_${String(key)}`).emit('equity_updated', JSON.parse(String(value)));
    return Promise.resolve();
  },
});
await joined;
http.listen(0, '127.0.0.1', () => {
  const { port } = http.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ msg: 'listening', port })}\n`);
});
