import type { Cursor, Refusal } from '@tradesense/contracts';
import { WebSocket } from 'ws';

export interface LightOptions {
  readonly url: string;
  readonly token: string;
  readonly challengeId: string;
  /** Where it comes from: one address has ports for some 28,000 connections to one other. */
  readonly localAddress?: string;
  readonly cursor?: Cursor;
  /** Told every event and answer of the socket, as it came. */
  readonly heard?: (text: string) => void;
  /** Told each time it is in its room. */
  readonly joined?: (client: LightClient) => void;
}

export interface RefusedAttempt {
  readonly atMs: number;
  readonly code: string | undefined;
  readonly hintMs: number | undefined;
}

/** Without a hint; a random half of it on top. */
const BACK_OFF_MS = 1_000;

/**
 * One of thousands in a process: socket.io spelled by hand over a raw WebSocket, for one challenge, and nothing remembered of
 * what is sent. It answers pings, obeys `retry_after_ms`, and comes back by itself until it is closed.
 */
export class LightClient {
  attempts = 0;
  /** Since when it is in its room, on this process's clock. */
  joinedAtMs: number | undefined;
  readonly refused: RefusedAttempt[] = [];
  #socket: WebSocket | undefined;
  #again: NodeJS.Timeout | undefined;
  #hintMs: number | undefined;
  #isWanted = false;

  constructor(private readonly options: LightOptions) {}

  get isJoined(): boolean {
    return this.joinedAtMs !== undefined;
  }

  connect(): void {
    this.#isWanted = true;
    this.attempts += 1;
    this.#hintMs = undefined;
    const { url, localAddress } = this.options;
    const socket = new WebSocket(`${url}/socket.io/?EIO=4&transport=websocket`, {
      perMessageDeflate: false,
      skipUTF8Validation: true,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    this.#socket = socket;
    socket.on('message', (data: Buffer) => this.#heard(socket, data.toString('latin1')));
    socket.on('error', () => undefined); // its close follows
    socket.on('close', () => this.#closed(socket));
  }

  /** As a network does that is gone: no goodbye. It does not come back before `connect`. */
  drop(): void {
    this.#isWanted = false;
    this.joinedAtMs = undefined;
    clearTimeout(this.#again);
    this.#socket?.terminate();
    this.#socket = undefined;
  }

  #heard(socket: WebSocket, text: string): void {
    if (text === '2') socket.send('3');
    else if (text.startsWith('42')) this.options.heard?.(text);
    else if (text.startsWith('0')) socket.send(`40${JSON.stringify({ token: this.options.token })}`);
    else if (text.startsWith('40')) this.#join(socket);
    else if (text.startsWith('44')) this.#refused(JSON.parse(text.slice(2)) as { readonly data?: Refusal });
    else if (text.startsWith('430')) this.#answered(text);
  }

  #join(socket: WebSocket): void {
    const { challengeId, cursor } = this.options;
    socket.send(`420${JSON.stringify(['join_challenge', { challenge_id: challengeId, ...(cursor && { cursor }) }])}`);
  }

  #answered(text: string): void {
    if (!text.includes('"ok":true')) throw new Error(`a join was refused: ${text}`);
    this.joinedAtMs = performance.now();
    this.options.joined?.(this);
  }

  #refused({ data }: { readonly data?: Refusal }): void {
    this.#hintMs = data?.retry_after_ms;
    this.refused.push({ atMs: performance.now(), code: data?.code, hintMs: this.#hintMs });
  }

  #closed(socket: WebSocket): void {
    if (this.#socket !== socket) return;
    this.joinedAtMs = undefined;
    if (!this.#isWanted) return;
    const delayMs = this.#hintMs ?? BACK_OFF_MS * (1 + Math.random() / 2);
    this.#again = setTimeout(() => this.connect(), delayMs);
  }
}
