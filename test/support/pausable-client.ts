import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';

import type { Cursor, JoinedChallenge, Snapshot } from '@tradesense/contracts';
import { WebSocket } from 'ws';

import { until } from './until.js';

/** One event, in the order in which it was handled. */
export interface Handled {
  readonly name: string;
  readonly sequence: number;
  readonly atMs: number;
}

interface Followed {
  cursor: Cursor | undefined;
  joins: number;
  readonly handled: Handled[];
  readonly snapshots: number[];
}

/**
 * A client by the documented rule over a raw WebSocket, whose reading can be stopped as a frozen tab's is: what is sent to it lies
 * in the kernel's buffers from then on. It may follow several challenges.
 */
export class PausableClient {
  readonly joins: JoinedChallenge[] = [];
  /** What broke the rule. */
  readonly faults: string[] = [];
  isClosed = false;
  readonly #followed = new Map<string, Followed>();

  private constructor(
    private readonly socket: WebSocket,
    private readonly token: string,
  ) {
    socket.on('message', (data: Buffer) => this.#heard(data.toString()));
    socket.on('close', () => (this.isClosed = true));
    socket.on('error', () => undefined); // its close follows
  }

  /** Resolves when it has joined all of them. */
  static async open(
    url: string,
    token: string,
    from: ReadonlyMap<string, Cursor | undefined>,
  ): Promise<PausableClient> {
    const socket = new WebSocket(`${url}/socket.io/?EIO=4&transport=websocket`, { perMessageDeflate: false });
    const client = new PausableClient(socket, token);
    for (const [challengeId, cursor] of from)
      client.#followed.set(challengeId, { cursor, joins: 0, handled: [], snapshots: [] });
    await until(
      () => client.joins.length,
      (count) => count >= from.size,
      { what: 'all challenges are joined' },
    );
    return client;
  }

  of(challengeId: string): Readonly<Followed> {
    return this.#followed.get(challengeId) as Followed;
  }

  pause(): void {
    this.socket.pause();
  }
  resume(): void {
    this.socket.resume();
  }
  close(): void {
    this.socket.terminate();
  }

  /** What lies in the kernel between the two ends, not read by the one or not taken from the other, bytes. */
  kernelBytes(): number {
    const { localPort, remotePort } = (this.socket as unknown as { readonly _socket: Socket })._socket;
    const [ours, theirs] = [localPort, remotePort].map((port) =>
      (port ?? 0).toString(16).toUpperCase().padStart(4, '0'),
    );
    const tables = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => readFileSync(path, 'utf8').split('\n'));
    return tables
      .map((line) => line.trim().split(/\s+/))
      .filter(([, local = '', remote = '']) => {
        const ends = [local.slice(-4), remote.slice(-4)];
        return ends.includes(ours as string) && ends.includes(theirs as string);
      })
      .flatMap(([, , , , queues = '']) => queues.split(':'))
      .reduce((sum, hex) => sum + parseInt(hex || '0', 16), 0);
  }

  #heard(text: string): void {
    if (text === '2') this.socket.send('3');
    else if (text.startsWith('0')) this.socket.send(`40${JSON.stringify({ token: this.token })}`);
    else if (text.startsWith('40')) for (const challengeId of this.#followed.keys()) this.#join(challengeId);
    else if (text.startsWith('42[')) this.#message(...(JSON.parse(text.slice(2)) as [string, never, never]));
  }

  #join(challengeId: string): void {
    const { cursor } = this.of(challengeId);
    const body = { challenge_id: challengeId, ...(cursor && { cursor }) };
    this.socket.send(`42${JSON.stringify(['join_challenge', body])}`);
  }

  #message(
    name: string,
    body: JoinedChallenge & Snapshot & Cursor,
    bridge: { readonly prev_sequence: number } | undefined,
  ): void {
    const followed = this.#followed.get(body.challenge_id);
    if (followed === undefined) return;
    if (name === 'joined_challenge') {
      followed.joins += 1;
      this.joins.push(body);
      if (body.snapshot !== undefined) this.#take(followed, body.snapshot);
    } else if (name === 'snapshot') this.#take(followed, body);
    else if (name === 'error') this.faults.push(JSON.stringify(body));
    else if (body.sequence !== undefined) this.#event(followed, name, body, bridge?.prev_sequence ?? body.sequence - 1);
  }

  #take(followed: Followed, { epoch, sequence }: Cursor): void {
    if (followed.cursor?.epoch === epoch && sequence < followed.cursor.sequence) return;
    followed.cursor = { epoch, sequence };
    followed.snapshots.push(sequence);
  }

  #event(followed: Followed, name: string, { epoch, sequence }: Cursor, prev: number): void {
    const { cursor } = followed;
    if (cursor?.epoch === epoch && prev <= cursor.sequence && cursor.sequence < sequence) {
      followed.cursor = { epoch, sequence };
      followed.handled.push({ name, sequence, atMs: performance.now() });
    } else this.faults.push(`${name} ${prev} -> ${sequence} at ${cursor?.sequence}`);
  }
}
