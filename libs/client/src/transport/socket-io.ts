import type { Refusal } from '@tradesense/contracts';
import { io } from 'socket.io-client';

import type { Dial } from '../connection/wire.js';

const OPEN_TIMEOUT_MS = 10_000;

/**
 * One socket.io socket per attempt, its own reconnection off: it forgets a refusal's reason, ends at a disconnect by the server
 * and sends what was emitted offline before its `connect` handler runs (pitfalls R3, R4). A fresh object has no such past.
 */
export const dialSocketIo: Dial = (url, token, listener) => {
  const socket = io(url, {
    auth: { token },
    autoConnect: false,
    forceNew: true,
    reconnection: false,
    timeout: OPEN_TIMEOUT_MS,
    transports: ['websocket', 'polling'],
    tryAllTransports: true,
  });
  let isOver = false;
  const end = (say: () => void): void => {
    if (isOver) return;
    isOver = true;
    socket.disconnect();
    say();
  };
  socket.on('connect', () => listener.opened());
  socket.on('connect_error', (error: Error & { data?: Refusal }) => end(() => listener.failed(error.data)));
  socket.on('disconnect', () => end(() => listener.closed()));
  socket.onAny((name: string, ...args: unknown[]) => {
    if (!isOver) listener.message(name, args);
  });
  socket.io.on('ping', () => {
    if (!isOver) listener.heard();
  });
  socket.connect();
  return {
    send(name, payload, answered) {
      if (socket.connected) socket.emit(name, payload, answered);
    },
    close: () => end(() => undefined),
  };
};
