import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

import { clientFrame } from './mutations.js';
import { until } from './until.js';

export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

const TEXT = 1;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;
const zero = (): number => 0;

export const UPGRADE = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
} as const;

/** A TCP connection to a gateway, spelled byte by byte: HTTP, then WebSocket, whatever of it is right. */
export class Wire {
  readonly #socket: Socket;
  #bytes = Buffer.alloc(0);
  #headEnd = -1;
  isClosed = false;

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('error', () => undefined); // its close follows
    this.#socket.on('close', () => (this.isClosed = true));
    this.#socket.on('data', (data) => {
      this.#bytes = Buffer.concat([this.#bytes, data]);
      if (this.#headEnd < 0) this.#headEnd = this.#bytes.indexOf('\r\n\r\n');
    });
  }

  /** Of the first answer; undefined: none has come. */
  get status(): number | undefined {
    return this.#headEnd < 0 ? undefined : Number(this.#bytes.toString('latin1', 9, 12));
  }
  get head(): string {
    return this.#bytes.toString('latin1', 0, Math.max(0, this.#headEnd));
  }
  /** What followed the head of an answer. */
  get body(): Buffer {
    return this.#headEnd < 0 ? Buffer.alloc(0) : this.#bytes.subarray(this.#headEnd + 4);
  }
  /** Whole frames that have come. */
  get frames(): readonly ServerFrame[] {
    const frames: ServerFrame[] = [];
    for (let rest = this.body; rest.length >= 2;) {
      const short = rest.readUInt8(1) & 127;
      const start = short === 126 ? 4 : 2;
      if (rest.length < start) break;
      const end = start + (short === 126 ? rest.readUInt16BE(2) : short);
      if (rest.length < end) break;
      frames.push({ opcode: rest.readUInt8(0) & 15, payload: rest.subarray(start, end) });
      rest = rest.subarray(end);
    }
    return frames;
  }
  get texts(): readonly string[] {
    return this.frames.filter(({ opcode }) => opcode === TEXT).map(({ payload }) => String(payload));
  }

  write(bytes: string | Buffer): void {
    if (!this.isClosed) this.#socket.write(bytes);
  }

  request(line: string, headers: Readonly<Record<string, string>> = {}, body = ''): void {
    const lines = Object.entries({ Host: 'x', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    this.write(`${line} HTTP/1.1\r\n${lines.join('')}\r\n${body}`);
  }

  /** Asks for a WebSocket, with these headers beside or in place of the right ones. @returns the status; 0: closed instead */
  async upgrade(headers: Readonly<Record<string, string>> = {}, query = ''): Promise<number> {
    const key = randomBytes(16).toString('base64');
    const path = `/socket.io/?EIO=4&transport=websocket${query}`;
    this.request(`GET ${path}`, { ...UPGRADE, 'Sec-WebSocket-Key': key, ...headers });
    return this.answer();
  }

  /** The status of an answer; 0: the end instead. */
  async answer(): Promise<number> {
    await until(() => this.status ?? this.isClosed, Boolean, { what: 'an answer' });
    return this.status ?? 0;
  }

  text(text: string | Buffer): void {
    this.frame(Buffer.from(text));
  }

  frame(payload: Buffer, opcode = TEXT): void {
    this.write(clientFrame(payload, zero, opcode));
  }

  /** Of the closing frame; 1006: there was none. Undefined: it is open. */
  get closeCode(): number | undefined {
    const close = this.frames.find(({ opcode }) => opcode === CLOSE);
    if (close !== undefined) return close.payload.length < 2 ? 1005 : close.payload.readUInt16BE(0);
    return this.isClosed ? 1006 : undefined;
  }

  /** Reads no more, or again. */
  pause(): void {
    this.#socket.pause();
  }
  resume(): void {
    this.#socket.resume();
  }

  /** A reset in place of an end. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }
  /** Ours is over, theirs may go on. */
  half(): void {
    this.#socket.end();
  }
  drop(): void {
    this.#socket.destroy();
  }
}
