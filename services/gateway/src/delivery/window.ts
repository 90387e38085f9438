export const WINDOW = {
  /** At most so much is on its way, unacknowledged. */
  bytes: 64 * 1024,
  /** Behind so much data a ping asks whether it has been read. */
  probeBytes: 32 * 1024,
  /** A ping at least so often, so that a dead peer is noticed, and so that data is acknowledged. */
  pingMs: 10_000,
  /** How long a peer may owe a pong while no data is on its way. */
  pongMs: 5_000,
  /** How long data may be on its way. Takes the place of the above while it is. */
  unackedMs: 30_000,
} as const;

interface Ping {
  /** All up to here was written before it. */
  readonly upTo: number;
  readonly atMs: number;
}

const NONE: readonly Ping[] = [];

/**
 * How much a peer has not read yet. TCP does not tell: megabytes vanish into kernel buffers before a stopped reader is noticed
 * (pitfall S9). engine.io's pings do, because clients answer them by themselves and in order: a pong says that all that was
 * written before its ping has been read.
 *
 *   W1 acknowledged <= written; at most WINDOW.bytes lie between, unless one message alone is larger
 *   W2 pings are settled first in, first out, whoever sent them; a pong that no ping asked for is a lie (pitfall S10)
 *   W3 no wait depends on the peer's good will: unread data and unanswered pings both have their time
 *
 * Pure: time comes as an argument, and whoever owns it does the writing.
 */
export class Window {
  #written = 0;
  #acked = 0;
  #sinceProbe: number;
  #pingedUpTo = -1;
  #lastPingMs: number;
  #unackedSinceMs = 0;
  /** Nearly always none or one; a list that had grown would keep its space. */
  #pings: readonly Ping[] = NONE;

  /** @param spread in [0, 1): where in their rounds the first ping and probe fall, lest a thousand connections ping at once */
  constructor(nowMs: number, spread: number) {
    this.#sinceProbe = spread * WINDOW.probeBytes;
    this.#lastPingMs = nowMs - spread * WINDOW.pingMs;
  }

  get unackedBytes(): number {
    return this.#written - this.#acked;
  }

  /** Whether `bytes` may follow `gathered` ones that are about to be written. A message too large for any window goes alone. */
  fits(gathered: number, bytes: number): boolean {
    const before = this.unackedBytes + gathered;
    return before === 0 || before + bytes <= WINDOW.bytes;
  }

  wrote(bytes: number, nowMs: number): void {
    if (this.unackedBytes === 0) this.#unackedSinceMs = nowMs;
    this.#written += bytes;
    this.#sinceProbe += bytes;
  }

  pinged(nowMs: number): void {
    this.#pings = [...this.#pings, { upTo: this.#written, atMs: nowMs }];
    this.#pingedUpTo = this.#written;
    this.#lastPingMs = nowMs;
    this.#sinceProbe = 0;
  }

  /** False: nobody asked. */
  ponged(): boolean {
    const [ping, ...others] = this.#pings;
    if (ping === undefined) return false;
    this.#pings = others.length === 0 ? NONE : others;
    this.#acked = ping.upTo;
    this.#unackedSinceMs = ping.atMs; // what is left was written after that ping
    return true;
  }

  /** Once so many more bytes are written. */
  isProbeDueBehind(bytes: number): boolean {
    return this.#sinceProbe + bytes >= WINDOW.probeBytes;
  }

  /** A message waits for space, and no ping behind the last byte will ever tell that there is. */
  get isTailUnasked(): boolean {
    return this.#pingedUpTo !== this.#written;
  }

  isPingDue(nowMs: number): boolean {
    return nowMs - this.#lastPingMs >= WINDOW.pingMs;
  }

  /** What makes an end of it. */
  lateness(nowMs: number): 'unread' | 'unanswered' | undefined {
    if (this.unackedBytes > 0) return nowMs - this.#unackedSinceMs > WINDOW.unackedMs ? 'unread' : undefined;
    const [oldest] = this.#pings;
    return oldest !== undefined && nowMs - oldest.atMs > WINDOW.pongMs ? 'unanswered' : undefined;
  }
}
