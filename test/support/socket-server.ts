import { createServer, type Server as HttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';

import { TokenVerifier } from '@tradesense/auth';
import {
  CHALLENGE_PARTITIONS,
  accessKeyOf,
  type AccessBlock,
  type AccessKind,
  type SnapshotReason,
} from '@tradesense/contracts';
import { createLogger, systemClock, type Clock } from '@tradesense/platform';
import type { Server, Socket } from 'socket.io';

import { TrustedProxies, localUserSeats } from '../../services/gateway/src/access/index.js';
import { Access } from '../../services/gateway/src/revocation/index.js';
import { Rooms } from '../../services/gateway/src/rooms/index.js';
import { Connections, SocketAdapter, type ConnectionsOptions } from '../../services/gateway/src/transport/index.js';
import { History, type Fact } from './facts.js';
import { Counted, eventFrom, stateFrom } from './gateway-facts.js';
import { JWT_SECRET } from './tokens.js';

export const ORIGIN = 'https://ours.example';

/** A clock that runs faster: half a minute is over in a second, by itself. */
export const hurried = (times: number): Clock => {
  const beganMs = performance.now();
  return { ...systemClock, monotonicMs: () => beganMs + (performance.now() - beganMs) * times };
};

/** A clock that stands still for rates: however slow the machine is, nothing is earned back. */
export const still: Clock = { ...systemClock, monotonicMs: () => 0 };

/**
 * The gateway from its rooms outwards: real sockets on a real port, with rooms that a test fills by hand where Kafka would.
 * Counts what was signalled.
 */
export class SocketServer {
  readonly counts = new Map<string, number>();
  readonly rooms: Rooms;
  readonly access: Access;
  /** How long ago Kafka was heard of revocations. */
  accessIdleMs = 0;
  readonly connections: Connections;
  readonly #http: HttpServer;
  readonly #io: Server;
  /** Written to by whatever goes wrong inside. */
  readonly lines: string[] = [];

  private constructor(options: Partial<ConnectionsOptions>) {
    const count = (what: string): void => void this.counts.set(what, this.counted(what) + 1);
    const quiet = (): void => undefined;
    this.rooms = new Rooms({ signals: new Counted(), ringBytes: 8 * 1024 * 1024 });
    for (let partition = 0; partition < CHALLENGE_PARTITIONS; partition += 1)
      this.rooms.stand(partition, { state: 'live', asOf: '2026-11-25T10:00:00Z' });
    const write = (line: string): void => void this.lines.push(line);
    this.access = new Access(systemClock, () => this.accessIdleMs, { access: quiet });
    this.connections = new Connections({
      rooms: this.rooms,
      access: this.access,
      users: localUserSeats(0),
      verifier: new TokenVerifier({
        secret: JWT_SECRET,
        jwksUrl: '',
        issuer: 'tradesense',
        audience: 'tradesense',
        userClaim: 'sub',
      }),
      signals: {
        wrote: quiet,
        frame: () => count('frame'),
        joined: (result: 'recovered' | SnapshotReason) => count(`joined ${result}`),
        snapshot: (reason) => count(`snapshot ${reason}`),
        collapsed: () => count('collapsed'),
        shut: () => count('shut'),
        turnedAway: (reason) => count(`turned away ${reason}`),
        handshake: (result) => count(`handshake ${result}`),
        request: (name, result) => count(`${name} ${result}`),
        returned: () => count('returned'),
        ended: (cause) => count(`ended ${cause}`),
      },
      log: createLogger({ service: 'gateway', instance: 'test', level: 'info', destination: { write } }),
      allowedOrigins: [ORIGIN],
      proxies: new TrustedProxies([], 'x-forwarded-for'),
      allowQueryToken: true,
      maxConnections: 0,
      maxConnectionsPerAddress: 0,
      admissionPerSecond: 0,
      packetsPerSecond: 20,
      bytesPerSecond: 16 * 1024,
      maxRooms: 50,
      ...options,
    });
    this.#http = createServer((_request, response) => response.writeHead(404).end());
    this.#io = new SocketAdapter(this.#http, { allowedOrigins: [ORIGIN], maxMessageBytes: 16 * 1024 }).createIOServer(
      0,
    );
    this.connections.attach(this.#io);
    this.#io.on('connection', (socket) => this.connections.joined(socket));
  }

  static async start(options: Partial<ConnectionsOptions> = {}): Promise<SocketServer> {
    const server = new SocketServer(options);
    await new Promise<void>((resolve) => server.#http.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get port(): number {
    return (this.#http.address() as AddressInfo).port;
  }
  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  /** As a record of the access topic would. */
  block(kind: AccessKind, id: string, block: Partial<AccessBlock> = {}): void {
    const value = { expires: '2100-01-01T00:00:00Z', reason: 'a test', by: 'anna', ...block };
    this.access.take(accessKeyOf({ kind, id }), Buffer.from(JSON.stringify(value)));
  }

  counted(what: string): number {
    return this.counts.get(what) ?? 0;
  }

  /** A challenge that is known, with no event yet. */
  challenge(): History {
    const history = new History();
    this.state(history.state());
    return history;
  }
  event(fact: Fact): void {
    this.rooms.event(eventFrom(fact));
  }
  state(fact: Fact): void {
    this.rooms.state(stateFrom(fact));
  }
  /** Equity updates, each with its state. */
  trade(history: History, count = 1): void {
    for (let done = 0; done < count; done += 1) {
      this.event(history.equity());
      this.state(history.state());
    }
  }

  /** socket.io's own, with whatever it keeps. */
  sockets(): Promise<readonly Socket[]> {
    return Promise.resolve([...this.#io.sockets.sockets.values()]);
  }

  get engineConnections(): number {
    return this.#io.engine.clientsCount;
  }

  /** Of each connection, how much it has not acknowledged. */
  unackedBytes(): readonly number[] {
    return this.connections.all.map(({ channel }) => channel.unackedBytes);
  }

  async stop(): Promise<void> {
    this.connections.stop();
    this.#io.engine.close();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }
}
