import { SOCKET_CODES, type ChallengeId, type SocketCode } from '@tradesense/contracts';
import type { Clock, Random } from '@tradesense/platform';
import type { Socket } from 'socket.io';

import { Bucket, type Pass, type Rate } from '../access/index.js';
import { Channel, type DeliverySignals, type EndReason, type Pipe, type Pump } from '../delivery/index.js';
import type { Packet } from '../frame/index.js';
import type { Access } from '../revocation/index.js';
import type { Member } from '../rooms/index.js';
import { EnginePipe, type EngineConnection, type PipeListener } from './engine-pipe.js';
import type { EndCause, Session } from './signals.js';

export interface ConnectionOptions {
  readonly pump: Pump;
  readonly access: Access;
  readonly signals: DeliverySignals;
  readonly clock: Clock;
  readonly random: Random;
  /** What it may send; undefined: as much as it likes. */
  readonly packets: Rate | undefined;
  readonly bytes: Rate | undefined;
  /** Told once. */
  readonly ended: (connection: Connection, cause: EndCause) => void;
}

/** Somebody who is in: a namespace was joined with a good token. */
interface Guest {
  readonly socket: Socket;
  readonly pass: Pass;
}

const MAX_UNKNOWN_EVENTS = 5;
const CONNECT = '0';

/**
 * One engine.io connection from its first byte to its last. It holds whatever must end with it: the rooms it is in, the
 * seats it takes, its place on the wheel.
 */
export class Connection implements Pipe, PipeListener {
  readonly channel: Channel;
  readonly members = new Map<ChallengeId, Member>();
  /** Joins whose owner is awaited. */
  joinsWaiting = 0;
  readonly #pipe: EnginePipe;
  readonly #packets: Bucket | undefined;
  readonly #bytes: Bucket | undefined;
  #farewells: readonly (() => void)[] = [];
  #guest: Guest | undefined;
  #enteredMs: number | undefined;
  #connects = 0;
  #unknownEvents = 0;
  #wasNoticed = false;
  /** Of what operators decided, how much was looked at. */
  #accessVersion = -1;
  #hasSpoken = false;
  /** The first that was named. */
  #cause: EndCause | undefined;
  #isOver = false;

  constructor(
    conn: EngineConnection,
    private readonly options: ConnectionOptions,
  ) {
    const { pump, signals, clock, random, packets, bytes } = options;
    const nowMs = clock.monotonicMs();
    this.#packets = packets && new Bucket(packets, nowMs);
    this.#bytes = bytes && new Bucket(bytes, nowMs);
    this.channel = new Channel(this, pump, signals, nowMs, random.below(1));
    this.#pipe = new EnginePipe(conn, this);
  }

  get pass(): Pass | undefined {
    return this.#guest?.pass;
  }
  get isOpen(): boolean {
    return this.#pipe.isOpen && !this.#isOver;
  }
  get session(): Session {
    const lastedMs = this.#enteredMs === undefined ? undefined : this.options.clock.monotonicMs() - this.#enteredMs;
    return { lastedMs, unackedBytes: this.channel.unackedBytes };
  }
  /** CONNECT packets so far: there may be one, and one verification (pitfall S8). */
  get connects(): number {
    return this.#connects;
  }

  /** Runs at the end, however it comes; at once where it has come. */
  atEnd(farewell: () => void): void {
    if (this.#isOver) farewell();
    else this.#farewells = [...this.#farewells, farewell]; // exactly as long as it must be, unlike one that grew
  }

  enter(socket: Socket, pass: Pass): void {
    this.#guest = { socket, pass };
    this.#enteredMs = Math.round(this.options.clock.monotonicMs());
  }

  // The pipe, as delivery knows it.

  get isWritable(): boolean {
    return this.#pipe.isWritable;
  }
  write(packets: readonly Packet[], asks: boolean): void {
    this.#pipe.write(packets, asks);
  }
  ping(): void {
    this.#pipe.ping();
  }
  end(reason: EndReason): void {
    this.close(reason);
  }
  evicted(member: Member): void {
    const { challengeId } = member.room;
    this.members.delete(challengeId);
    this.#guest?.socket.emit('access_revoked', { challenge_id: challengeId });
  }

  // What the pipe asks and tells.

  mayWrite(): boolean {
    if (this.#guest === undefined) return true;
    this.#obey(this.#guest);
    return this.isOpen && this.#guest.pass.at(this.options.clock.now()) !== 'over';
  }
  wrote(bytes: number): void {
    this.channel.wrote(bytes, this.options.clock.monotonicMs());
  }
  pinged(): void {
    this.channel.pinged(this.options.clock.monotonicMs());
  }
  ponged(): void {
    this.channel.ponged(this.options.clock.monotonicMs());
  }
  writable(): void {
    this.channel.resume();
  }
  received(bytes: number): void {
    if (!this.isOpen) return;
    const nowMs = this.options.clock.monotonicMs();
    this.#hasSpoken = true;
    if (this.#packets?.take(nowMs) === false) this.refuse('rate_limited', 'rate_limited');
    else if (this.#bytes?.take(nowMs, bytes) === false) this.refuse('rate_limited', 'too_many_bytes');
  }
  overran(): void {
    this.#cause ??= 'message_too_big';
  }
  message(data: string | Buffer | undefined): void {
    if (typeof data !== 'string' || !data.startsWith(CONNECT)) return;
    this.#connects += 1;
    // socket.io answers what is wrong with it, then it is over: guesses cost a connection each.
    if (this.#connects > 1 || data.startsWith(`${CONNECT}/`)) setImmediate(() => this.close('protocol'));
  }
  closed(reason: string): void {
    this.#isOver = true;
    this.channel.ended();
    for (const member of this.members.values()) member.room.leave(member);
    this.members.clear();
    for (const farewell of this.#farewells) farewell();
    this.#farewells = [];
    this.options.ended(this, this.#cause ?? this.#causeOf(reason));
  }

  // What else ends it.

  /** About once a second. */
  sweep(nowMs: number): void {
    this.channel.sweep(nowMs);
    const guest = this.#guest;
    if (guest === undefined) return;
    this.#obey(guest);
    if (!this.isOpen) return;
    const state = guest.pass.at(this.options.clock.now());
    if (state === 'over') this.refuse('token_expired', 'token_expired');
    else if (state === 'ending' && !this.#wasNoticed) {
      this.#wasNoticed = true;
      guest.socket.emit('token_expired', {});
    } else if (state === 'valid') this.#wasNoticed = false;
  }

  /** @returns whether it is borne once more */
  toleratesUnknownEvent(): boolean {
    this.#unknownEvents += 1;
    return this.#unknownEvents < MAX_UNKNOWN_EVENTS;
  }

  /** Says why, and goes. Whoever must not come back is disconnected: stock clients then stay away. */
  refuse(code: SocketCode, cause: EndCause): void {
    const { message, terminal } = SOCKET_CODES[code];
    const socket = this.#guest?.socket;
    socket?.emit('error', { code, message });
    if (terminal) socket?.disconnect();
    this.close(cause);
  }

  goAway(inMs: number): void {
    this.#guest?.socket.emit('going_away', { reconnect_in_ms: inMs });
  }

  close(cause: EndCause): void {
    if (this.#isOver) return;
    this.#cause ??= cause;
    this.channel.ended();
    this.#pipe.close();
  }

  /** Before anything is written, and about once a second, what operators have decided meanwhile. */
  #obey({ socket, pass }: Guest): void {
    const { access } = this.options;
    if (access.version === this.#accessVersion) return;
    this.#accessVersion = access.version;
    if (access.bars(pass.identity)) {
      socket.emit('access_revoked', {});
      return this.refuse('unauthorized', 'revoked');
    }
    for (const member of this.members.values()) {
      if (!access.closes(member.room.challengeId, pass.identity)) continue;
      member.room.leave(member);
      member.evicted();
    }
  }

  /** Of an end that nobody here has named. */
  #causeOf(reason: string): EndCause {
    if (reason === 'transport error' || reason === 'parse error') return 'transport_error';
    if (reason !== 'forced close') return 'client';
    return this.#hasSpoken ? 'protocol' : 'silent'; // socket.io's doing
  }
}
