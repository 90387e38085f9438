import type { EventEmitter } from 'node:events';
import type { Writable } from 'node:stream';

import type { Socket } from 'socket.io';

import type { Pipe } from '../delivery/index.js';
import { packetOf, textOf, type Packet } from '../frame/index.js';

export type EngineConnection = Socket['conn'];

/** What of engine.io 6.6.12 is not public and used here, all of it. A contract test holds that it is as described. */
interface Insides extends Piped {
  readonly readyState: 'opening' | 'open' | 'closing' | 'closed';
  readonly transport: TransportInsides;
  readonly writeBuffer: readonly unknown[];
  pingIntervalTimer: NodeJS.Timeout | null;
  resetPingTimeout: () => void;
  sendPacket(type: 'ping'): void;
  write(data: string, options: WriteOptions): void;
  close(): void;
}
interface TransportInsides extends EventEmitter, Piped {
  readonly name: 'websocket' | 'polling';
  writable: boolean;
  /** Of a WebSocket: ws's, with the TCP connection below it. */
  readonly socket?: EventEmitter & Piped & { readonly _socket: Writable; terminate(): void };
  /** Of a WebSocket: to be called when the last of what it was given is written. It is writable from then on, and says so. */
  readonly _onSentLast: (error?: Error | null) => void;
  /** What a transport does when its peer is gone. */
  onClose(): void;
  /** Of a polling transport that waits for one more poll, to say goodbye: ends the wait, and its timer. */
  readonly shouldClose?: (() => void) | null;
}
interface WriteOptions {
  readonly compress: false;
}
interface EnginePacket {
  readonly type: string;
  readonly data?: string | Buffer;
}

export interface PipeListener {
  /** Whether this peer may still be sent anything. */
  mayWrite(): boolean;
  /** Also what socket.io itself wrote: it is on the same way. */
  wrote(bytes: number): void;
  pinged(): void;
  ponged(): void;
  /** A packet of any kind, pongs apart. */
  received(bytes: number): void;
  message(data: string | Buffer | undefined): void;
  /** A message over the limit; the end follows. */
  overran(): void;
  /** What is written now goes out again. */
  writable(): void;
  closed(reason: string): void;
}

/** engine.io's, in a WebSocket frame. */
const PING = packetOf('2').wire;

/** Of ws's error for a message over the limit: engine.io keeps nothing but its text. */
const TOO_LONG = 'Max payload size exceeded';

/** Where an emitter remembers whose it is. */
const PIPE = Symbol('pipe');
type Piped = { [PIPE]?: EnginePipe };

// One function for all connections each: a closure per connection and event would be a kilobyte of every ten.
const never = (): void => undefined;
function created(this: Piped, packet: EnginePacket): void {
  this[PIPE]?.created(packet);
}
function received(this: Piped, packet: EnginePacket): void {
  this[PIPE]?.received(packet);
}
function upgraded(this: Piped): void {
  this[PIPE]?.listenToTransport();
}
function closed(this: Piped, reason: string, error?: Error): void {
  this[PIPE]?.closed(reason, error);
}
function ready(this: Piped): void {
  this[PIPE]?.writable();
}
function pinged(this: Piped, payload: Buffer): void {
  this[PIPE]?.pinged(payload);
}

/** A closed socket whose peer does not answer is cut off after so long. */
const LINGER_MS = 1_000;

/**
 * One engine.io connection as delivery sees it. engine.io's own timers are taken out: pings are sent and awaited by the
 * window, which knows how much data they lie behind, and theirs would close a slow reader that is within its limits.
 */
export class EnginePipe implements Omit<Pipe, 'end' | 'evicted'> {
  readonly #insides: Insides;
  /** The connection below a WebSocket; undefined while polling. */
  #tcp: Writable | undefined;

  constructor(
    conn: EngineConnection,
    private readonly listener: PipeListener,
  ) {
    this.#insides = conn as unknown as Insides;
    if (this.#insides.pingIntervalTimer !== null) clearTimeout(this.#insides.pingIntervalTimer);
    this.#insides.pingIntervalTimer = null;
    this.#insides.resetPingTimeout = never;
    this.#insides[PIPE] = this;
    conn.on('packetCreate', created).on('packet', received).on('close', closed);
    if (this.#insides.transport.name === 'polling') conn.on('upgrade', upgraded);
    this.listenToTransport();
  }

  get isOpen(): boolean {
    return this.#insides.readyState === 'open';
  }

  get isWritable(): boolean {
    const { readyState, transport, writeBuffer } = this.#insides;
    return readyState === 'open' && transport.writable && writeBuffer.length === 0 && this.listener.mayWrite();
  }

  /**
   * To be called while `isWritable`. To a WebSocket all in one piece, the ping behind it too, past engine.io and ws, which would do
   * nothing with finished frames but hand them on (decision 008). Neither has anything under way then. What the kernel takes at
   * once is not waited for; else engine.io holds back what comes meanwhile.
   */
  write(packets: readonly Packet[], asks: boolean): void {
    const { transport } = this.#insides;
    const tcp = this.#tcp;
    if (tcp === undefined) {
      for (const packet of packets) this.#insides.write(textOf(packet), { compress: false });
      if (asks) this.ping();
    } else {
      let wire = packets.length === 1 ? (packets[0] as Packet).wire : packets.map((packet) => packet.wire).join('');
      this.listener.wrote(wire.length);
      if (asks) {
        wire += PING;
        this.listener.pinged();
      }
      tcp.write(wire, 'latin1');
      if (tcp.writableLength === 0) return; // the kernel has it: nothing to wait for
      transport.writable = false;
      tcp.write('', 'latin1', transport._onSentLast);
    }
  }

  ping(): void {
    this.#insides.sendPacket('ping');
  }

  /** What was written goes out first. Stock clients come back by themselves. */
  close(): void {
    this.#insides.close();
    this.#cutLater();
  }

  // What the listeners below hand on.

  created({ type, data = '' }: EnginePacket): void {
    if (type === 'ping') this.listener.pinged();
    else if (type === 'message') this.listener.wrote(data.length);
  }

  received({ type, data }: EnginePacket): void {
    if (type === 'pong') return this.listener.ponged();
    this.listener.received(data === undefined ? 0 : Buffer.byteLength(data));
    if (type === 'message') this.listener.message(data);
  }

  closed(reason: string, error: Error | undefined): void {
    this.#cutLater();
    if (error?.message.includes(TOO_LONG) === true) this.listener.overran();
    this.listener.closed(reason);
  }

  pinged({ length }: Buffer): void {
    this.listener.received(length); // a ping of WebSocket's own, which ws answers
  }

  writable(): void {
    this.listener.writable();
  }

  listenToTransport(): void {
    const { transport } = this.#insides;
    const { socket } = transport;
    transport[PIPE] = this;
    this.#tcp = socket?._socket;
    // engine.io's own listener came first: what it had buffered is on its way, and `isWritable` tells whether it was all.
    transport.on('ready', ready);
    if (socket !== undefined) {
      socket[PIPE] = this;
      socket.on('ping', pinged);
    }
    this.listener.writable();
  }

  /** A WebSocket's closing handshake waits for the peer half a minute, a poll that is not there as long. */
  #cutLater(): void {
    const { transport } = this.#insides;
    setTimeout(() => {
      if (transport.name === 'websocket') transport.socket?.terminate();
      else if (this.#insides.readyState !== 'closed') (transport.shouldClose ?? (() => transport.onClose()))();
    }, LINGER_MS).unref();
  }
}
