import type { IncomingMessage } from 'node:http';

import type { TokenVerifier } from '@tradesense/auth';
import { inSlices, systemClock, systemRandom, type Clock, type Logger, type Random } from '@tradesense/platform';
import type { Server, Socket } from 'socket.io';

import { rateOf, type TrustedProxies, type UserSeats } from '../access/index.js';
import { Pump, Wheel, type DeliverySignals } from '../delivery/index.js';
import type { Access } from '../revocation/index.js';
import type { Rooms } from '../rooms/index.js';
import { Connection, type ConnectionOptions } from './connection.js';
import { Door, sidOf } from './door.js';
import type { EngineConnection } from './engine-pipe.js';
import { Handshake } from './handshake.js';
import { Requests } from './requests.js';
import { scrubRequest } from './scrub.js';
import type { HandshakeRefusal, TransportSignals } from './signals.js';

export interface ConnectionsOptions {
  readonly rooms: Rooms;
  readonly access: Access;
  readonly users: UserSeats;
  readonly verifier: TokenVerifier;
  readonly signals: TransportSignals & DeliverySignals;
  readonly log: Logger;
  readonly allowedOrigins: readonly string[];
  readonly proxies: TrustedProxies;
  readonly allowQueryToken: boolean;
  readonly maxConnections: number;
  readonly maxConnectionsPerAddress: number;
  readonly admissionPerSecond: number;
  readonly packetsPerSecond: number;
  readonly bytesPerSecond: number;
  readonly maxRooms: number;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** So many leave per second when we go: whoever takes them over has to let them in. */
const LEAVERS_PER_SECOND = 250;
/** Who was told to leave does it by himself; the others are closed so much later. */
const LEAVE_GRACE_MS = 250;

/** What a client may send at once, in seconds of what it may send in the long run: a page that comes back joins all its rooms. */
const BURST_PACKETS_S = 6;
const BURST_BYTES_S = 8;

/** Leaving the namespace and keeping the connection would be a way to connect twice on it. One function for all. */
function left(this: Socket, reason: string): void {
  if (reason === 'client namespace disconnect') (this.data as Connection).close('client');
}

/** All connections of this gateway, from the door to the drain. */
export class Connections {
  readonly door: Door;
  readonly #handshake: Handshake;
  readonly #requests: Requests;
  readonly #clock: Clock;
  readonly #pump: Pump;
  readonly #wheel: Wheel<Connection>;
  readonly #all = new Set<Connection>();
  readonly #byEngine = new WeakMap<EngineConnection, Connection>();
  readonly #connectionOptions: ConnectionOptions;
  #engine: Server['engine'] | undefined;

  constructor(private readonly options: ConnectionsOptions) {
    const { rooms, access, verifier, signals, log, clock = systemClock, random = systemRandom } = options;
    this.#clock = clock;
    this.door = new Door(options, {
      turnedAway: (reason) => signals.turnedAway(reason),
      tooBig: (sid) => this.#byId(sid)?.close('message_too_big'),
    });
    this.#handshake = new Handshake({ ...options, clock, random });
    const failed = (err: unknown): void => log.error({ err }, 'a request failed');
    this.#requests = new Requests({ rooms, access, verifier, signals, clock, maxRooms: options.maxRooms, failed });
    this.#pump = new Pump(() => clock.monotonicMs());
    this.#wheel = new Wheel(() => clock.monotonicMs());
    this.#connectionOptions = {
      pump: this.#pump,
      access,
      signals,
      clock,
      random,
      packets: rateOf(options.packetsPerSecond, options.packetsPerSecond * BURST_PACKETS_S),
      bytes: rateOf(options.bytesPerSecond, options.bytesPerSecond * BURST_BYTES_S),
      ended: (connection, cause) => {
        this.#all.delete(connection);
        this.#wheel.remove(connection);
        signals.ended(cause, connection.session);
      },
    };
  }

  get size(): number {
    return this.#all.size;
  }
  get all(): readonly Connection[] {
    return [...this.#all];
  }
  /** How many are waiting for their peers to read on. */
  get shut(): number {
    return this.all.filter(({ channel }) => channel.isShut).length;
  }

  /** Takes a socket.io server over, before it listens. */
  attach(server: Server): void {
    const { engine } = server;
    this.#engine = engine;
    engine.use(this.door.knock);
    engine.on('connection_error', () => this.options.signals.turnedAway('protocol'));
    engine.on('connection', (conn: EngineConnection) => this.#opened(conn));
    engine.on('headers', (_headers: unknown, request: IncomingMessage) => {
      // The request of an upgrade lives on as well; engine.io reads it for the last time in this turn of the loop.
      if (request.headers.upgrade !== undefined) setImmediate(() => this.#scrubUpgrade(request));
    });
    server.use((socket, next) => void this.#admit(socket, next));
    // Rooms are ours: what socket.io would remember of them per socket is not needed.
    const { adapter } = server.of('/');
    adapter.addAll = () => undefined;
    adapter.delAll = () => undefined;
    this.#wheel.start();
  }

  /** A socket that has joined the namespace. */
  joined(socket: Socket): void {
    const connection = this.#byEngine.get(socket.conn);
    if (connection === undefined) return void socket.disconnect(true);
    socket.data = connection;
    socket.on('disconnect', left);
    // Never handed on: socket.io would emit it, and an event may be called anything.
    socket.use(([name, ...args]) => void this.#requests.take(connection, socket, name, args));
  }

  /** Asks everybody to leave, spread over time, then closes who has not (design 8.6). Resolves when all are gone or told to be. */
  async drain(longestMs: number): Promise<void> {
    this.door.close();
    const leaving = [...this.#all];
    const spanMs = Math.min(longestMs - LEAVE_GRACE_MS, (leaving.length / LEAVERS_PER_SECOND) * 1000);
    const dueMs = (index: number): number => Math.round((index / leaving.length) * spanMs);
    const beganMs = this.#clock.monotonicMs();
    const ask = ([index, connection]: [number, Connection]): void =>
      connection.goAway(Math.max(0, Math.round(beganMs + dueMs(index) - this.#clock.monotonicMs())));
    await inSlices(leaving.entries(), ask, this.#clock);
    for (const [index, connection] of leaving.entries()) {
      const waitMs = beganMs + dueMs(index) + LEAVE_GRACE_MS - this.#clock.monotonicMs();
      if (waitMs > 0 && connection.isOpen) await this.#clock.sleep(waitMs);
      connection.close('going_away');
    }
  }

  stop(): void {
    this.#wheel.stop();
    for (const connection of [...this.#all]) connection.close('going_away');
  }

  #opened(conn: EngineConnection): void {
    const leaveSeat = this.door.seatOf(conn.request);
    const connection = new Connection(conn, this.#connectionOptions);
    this.#all.add(connection);
    this.#byEngine.set(conn, connection);
    connection.atEnd(leaveSeat);
    this.#wheel.add(connection);
  }

  async #admit(socket: Socket, next: (error?: Error) => void): Promise<void> {
    const connection = this.#byEngine.get(socket.conn);
    let refusal: HandshakeRefusal | undefined = 'fault';
    try {
      if (connection !== undefined) refusal = await this.#handshake.refusalOf(socket, connection);
    } catch (err) {
      this.options.log.error({ err }, 'a handshake failed');
    }
    this.options.signals.handshake(refusal ?? 'ok');
    if (refusal === undefined) return next();
    next(this.#handshake.errorOf(refusal));
    setImmediate(() => connection?.close('refused')); // the refusal goes out first (pitfall S8)
  }

  #byId(sid: string): Connection | undefined {
    // Documented, though its types hide it.
    const engine = this.#engine as unknown as { readonly clients: Readonly<Record<string, EngineConnection>> };
    const conn = engine.clients[sid];
    return conn && this.#byEngine.get(conn);
  }

  #scrubUpgrade(request: IncomingMessage): void {
    // A WebSocket from the start is scrubbed once its token was read.
    if (sidOf(request) !== undefined) scrubRequest(request);
  }
}
