import { setTimeout as delay } from 'node:timers/promises';

import {
  SOCKET_EVENT,
  type Answer,
  type Bridge,
  type Cursor,
  type Freshness,
  type GoingAway,
  type JoinChallenge,
  type JoinedChallenge,
  type Refusal,
  type Snapshot,
  type SocketError,
  type SocketEvent,
} from '@tradesense/contracts';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';

import type { Numbered } from './invariants.js';
import { until, within } from './until.js';

/** One event as it came, and what the rule said about it. */
export interface Received extends Numbered {
  readonly name: SocketEvent;
  readonly event_id: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** The sequence it follows: sequence - 1, unless it stands in for others. */
  readonly prev: number;
  readonly verdict: 'handled' | 'duplicate' | 'gap';
  /** System-wide monotonic clock, so that another process's times compare. */
  readonly atNs: bigint;
}

export interface ClientOptions {
  readonly url: string;
  readonly token: string;
  readonly challengeId: string;
  /** Continue from here, as a page that kept its cursor. */
  readonly cursor?: Cursor;
  readonly socket?: Partial<ManagerOptions & SocketOptions>;
  /** Comes back when a refusal says when; socket.io alone does not after any refusal. */
  readonly obeysHints?: boolean;
  /** Leaves and comes back when a gateway that goes asks for it, as our library does; socket.io alone waits to be closed. */
  readonly leavesWhenAsked?: boolean;
}

/** While it was not connected; milliseconds, monotonic. */
export interface Outage {
  /** Of the last message before. */
  readonly heardMs: number;
  readonly lostMs: number;
  /** Of the first message after; undefined: none came yet. */
  backMs?: number;
  /** Of the first join after. */
  joinedMs?: number;
}

const FORBIDDEN_REPEAT_MS = 5_000;
const JOIN_ANSWER_MS = 10_000;

/**
 * A socket.io client that follows one challenge by the client's rule (design 9) and remembers all it saw: an event of the
 * cursor's epoch is handled if prev <= cursor < sequence, one that is not beyond the cursor is a duplicate, any other is a gap
 * and makes it join again from its cursor, one join at a time. It is our library's rule written a second time, in the
 * plainest way, so that a fault of the library does not hide one of the gateway.
 */
export class Client {
  readonly socket: Socket;
  readonly received: Received[] = [];
  readonly joins: JoinedChallenge[] = [];
  readonly snapshots: Snapshot[] = [];
  readonly freshness: Freshness[] = [];
  readonly errors: SocketError[] = [];
  readonly refusals: Refusal[] = [];
  /** Everything the server emitted, in order, by name. */
  readonly heard: string[] = [];
  readonly outages: Outage[] = [];
  cursor: Cursor | undefined;
  bridged = 0;
  foreign = 0;
  #heardMs = performance.now();
  #joining = false;
  #forbiddenBefore = false;

  constructor(private readonly options: ClientOptions) {
    this.cursor = options.cursor;
    this.socket = io(options.url, {
      transports: ['websocket'],
      auth: { token: options.token },
      forceNew: true,
      reconnectionDelay: 100,
      reconnectionDelayMax: 500,
      ...options.socket,
    });
    this.socket.on('connect', () => void this.#join());
    this.socket.on('disconnect', () => {
      this.#joining = false;
      this.outages.push({ heardMs: this.#heardMs, lostMs: performance.now() });
    });
    this.socket.on('connect_error', (error) => this.#refused((error as { data?: Refusal }).data));
    this.socket.onAny((name: string) => this.#hear(name));
    for (const name of Object.values(SOCKET_EVENT))
      this.socket.on(name, (body: Record<string, unknown>, bridge?: Bridge) => this.#event(name, body, bridge));
    this.socket.on('going_away', ({ reconnect_in_ms: inMs }: GoingAway) => this.#asked(inMs));
    this.socket.on('joined_challenge', (joined: JoinedChallenge) => this.#joined(joined));
    this.socket.on('snapshot', (snapshot: Snapshot) => {
      this.snapshots.push(snapshot);
      this.#take(snapshot);
    });
    this.socket.on('freshness', (freshness: Freshness) => this.freshness.push(freshness));
    this.socket.on('error', (error: SocketError) => this.errors.push(error));
  }

  get handled(): readonly Received[] {
    return this.received.filter(({ verdict }) => verdict === 'handled');
  }
  get duplicates(): readonly Received[] {
    return this.received.filter(({ verdict }) => verdict === 'duplicate');
  }
  get gaps(): readonly Received[] {
    return this.received.filter(({ verdict }) => verdict === 'gap');
  }
  get isLive(): boolean {
    return this.freshness.at(-1)?.state === 'live';
  }

  async joined(withinMs = 15_000): Promise<JoinedChallenge> {
    await until(
      () => ({ joins: this.joins.length, errors: this.errors, refusals: this.refusals }),
      ({ joins }) => joins > 0,
      { withinMs, what: `a join of ${this.options.challengeId}` },
    );
    return this.joins[0] as JoinedChallenge;
  }

  /** Until the cursor has reached this sequence. */
  async reached(sequence: number, withinMs = 15_000): Promise<void> {
    await until(
      () => this.cursor,
      (cursor) => cursor !== undefined && cursor.sequence >= sequence,
      { withinMs, what: `the cursor at ${sequence}` },
    );
  }

  close(): void {
    this.socket.disconnect();
  }

  #refused(refusal: Refusal | undefined): void {
    if (refusal === undefined) return;
    this.refusals.push(refusal);
    const { obeysHints = false } = this.options;
    const { retry_after_ms: afterMs } = refusal;
    if (obeysHints && afterMs !== undefined) setTimeout(() => this.socket.connect(), afterMs).unref();
  }

  #asked(inMs: number): void {
    if (this.options.leavesWhenAsked === true) setTimeout(() => this.socket.disconnect().connect(), inMs).unref();
  }

  #hear(name: string): void {
    this.heard.push(name);
    this.#heardMs = performance.now();
    const outage = this.outages.at(-1);
    if (outage !== undefined) outage.backMs ??= this.#heardMs;
  }

  async #join(): Promise<void> {
    if (this.#joining || !this.socket.connected) return;
    this.#joining = true;
    const outage = this.outages.at(-1);
    const isBack = outage !== undefined && outage.backMs === undefined;
    const request: JoinChallenge = {
      challenge_id: this.options.challengeId,
      ...(this.cursor === undefined ? {} : { cursor: this.cursor }),
      ...(isBack ? { reconnect_ms: Math.round(performance.now() - outage.lostMs) } : {}),
    };
    const answer = (await this.socket
      .timeout(JOIN_ANSWER_MS)
      .emitWithAck('join_challenge', request)
      .catch(() => undefined)) as Answer | undefined;
    this.#joining = false;
    if (answer?.ok !== false) return;
    this.errors.push({ ...answer, challenge_id: this.options.challengeId });
    if (answer.code === 'forbidden' && this.#forbiddenBefore) return;
    this.#forbiddenBefore = answer.code === 'forbidden';
    await delay(answer.code === 'forbidden' ? FORBIDDEN_REPEAT_MS : 250, undefined, { ref: false });
    await this.#join();
  }

  #joined(joined: JoinedChallenge): void {
    this.joins.push(joined);
    const outage = this.outages.at(-1);
    if (outage !== undefined) outage.joinedMs ??= performance.now();
    if (joined.snapshot !== undefined) this.#take(joined.snapshot);
  }

  /** A snapshot is taken unless it is before the cursor in the same epoch. */
  #take({ epoch, sequence }: Cursor): void {
    if (this.cursor?.epoch === epoch && sequence < this.cursor.sequence) return;
    this.cursor = { epoch, sequence };
  }

  #event(name: SocketEvent, body: Record<string, unknown>, bridge: Bridge | undefined): void {
    const atNs = process.hrtime.bigint();
    const { challenge_id, event_id, epoch, sequence } = body as unknown as Received;
    if (challenge_id !== this.options.challengeId) this.foreign += 1;
    if (bridge !== undefined) this.bridged += 1;
    const prev = bridge?.prev_sequence ?? sequence - 1;
    const verdict = this.#judge(epoch, sequence, prev);
    this.received.push({ name, body, challenge_id, event_id, epoch, sequence, prev, verdict, atNs });
    if (verdict === 'handled') this.cursor = { epoch, sequence };
    else if (verdict === 'gap') void this.#join();
  }

  #judge(epoch: number, sequence: number, prev: number): Received['verdict'] {
    const { cursor } = this;
    if (cursor === undefined || cursor.epoch !== epoch) return 'gap';
    if (sequence <= cursor.sequence) return 'duplicate';
    return prev <= cursor.sequence ? 'handled' : 'gap';
  }
}

/** What a handshake that is refused is answered with; one that is let in fails. */
export async function refusalOf(
  url: string,
  options: Partial<ManagerOptions & SocketOptions>,
): Promise<RefusedHandshake> {
  const socket = io(url, { transports: ['websocket'], forceNew: true, reconnection: false, ...options });
  try {
    return await within(
      10_000,
      'the handshake is answered',
      new Promise<RefusedHandshake>((resolve, reject) => {
        socket.once('connect', () => reject(new Error('the handshake was let in')));
        socket.once('connect_error', (error) =>
          resolve({ message: error.message, data: (error as { data?: Refusal }).data }),
        );
      }),
    );
  } finally {
    socket.disconnect();
  }
}
export interface RefusedHandshake {
  readonly message: string;
  readonly data: Refusal | undefined;
}
