/**
 * What `-- gateway` compares with: the least that carries events from Kafka to WebSockets. It looks the room up and puts the bytes
 * of the event's name before those of the value. No token, no owner, no order, no recovery, no slow readers. By kafkajs's public
 * consumer, or (READER=own) by our reader.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { openReader } from '@tradesense/kafka';
import { WebSocketServer, type WebSocket } from 'ws';

import { consume } from './consumer.js';

const topic = process.env['TOPIC'] ?? '';
const partitions = Number(process.env['PARTITIONS']);
const PREFIX = Buffer.from('42["equity_updated",');
const SUFFIX = Buffer.from(']');

const rooms = new Map<string, Set<WebSocket>>();

function forward(key: Buffer | null, value: Buffer | null): void {
  const room = rooms.get(key?.toString('latin1') ?? '');
  if (room === undefined || value === null) return;
  const message = Buffer.concat([PREFIX, value, SUFFIX]);
  for (const socket of room) socket.send(message, { binary: false });
}

async function readByOurs(): Promise<void> {
  const reader = openReader(
    { brokers: (process.env['BROKERS'] ?? '').split(','), clientId: 'forwarder' },
    [{ topic, partitions, from: 'end' }],
    {
      records: (records) => {
        for (const { key, value } of records) forward(key, value);
      },
      lost: () => undefined,
      position: () => undefined,
    },
  );
  await reader.start();
}

const http = createServer();
const server = new WebSocketServer({ server: http, perMessageDeflate: false, skipUTF8Validation: true });
server.on('connection', (socket, { url = '' }) => {
  const room = new URL(url, 'http://localhost').searchParams.get('room') ?? '';
  const members = rooms.get(room) ?? new Set();
  rooms.set(room, members.add(socket));
  socket.on('close', () => members.delete(socket));
});
await (process.env['READER'] === 'own' ? readByOurs() : consume(forward));
http.listen(0, '127.0.0.1', () => {
  const { port } = http.address() as AddressInfo;
  process.stdout.write(`${JSON.stringify({ msg: 'listening', port })}\n`);
});
