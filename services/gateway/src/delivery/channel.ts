import type { SnapshotReason } from '@tradesense/contracts';

import type { Frame, Packet } from '../frame/index.js';
import type { Due, Member, NewsListener } from '../rooms/index.js';
import type { Pump } from './pump.js';
import { Window } from './window.js';

/** The way to a socket. What it writes, pings included, it reports back by `wrote` and `pinged`, whoever asked for it. */
export interface Pipe {
  /** Whether what is written now goes out now. Where not, `resume` is called once it does. */
  readonly isWritable: boolean;
  /** @param asks whether a ping goes behind them, in the same write */
  write(packets: readonly Packet[], asks: boolean): void;
  ping(): void;
  end(reason: EndReason): void;
  /** The member's challenge is somebody else's now. */
  evicted(member: Member): void;
}
export type EndReason = 'unread' | 'unanswered' | 'forged_pong';

/** What is counted; nothing here changes what happens. */
export interface DeliverySignals {
  wrote(packets: number, bytes: number): void;
  frame(frame: Frame): void;
  joined(result: 'recovered' | SnapshotReason): void;
  snapshot(reason: SnapshotReason): void;
  collapsed(frames: number): void;
  shut(): void;
}

/** One write gathers so much, and of one member so much before it is the next one's turn. */
const GATHERED_BYTES = 32 * 1024;
const TURN_BYTES = 8 * 1024;
/** A window that was shut for longer makes equity updates collapse, until every member has caught up. */
const PATIENCE_MS = 1_000;

/** Behind whoever is next, of nearly all channels: one list for them all. */
const NOBODY: readonly Member[] = [];

/**
 * One socket's side of delivery. There is no queue: `pull` takes what the members with news are due, round and round, while the
 * window has space. Nothing is written unless it goes out at once (pitfall S9), so what a slow reader has not been sent exists
 * once, in the rings, for everybody.
 *
 * The first message that does not fit shuts the window: a ping goes behind the last byte, and until a pong comes nothing is
 * pulled. If that takes longer than a second, equity updates are conflated from then on until every member has caught up.
 */
export class Channel implements NewsListener {
  /** It is in the pump's list; set by the pump alone. */
  isReady = false;
  /** Of the members with news the one whose turn is next. */
  #first: Member | undefined;
  /** Those whose turn comes behind it: nearly always none, and then no list is made. */
  #others = NOBODY;
  readonly #window: Window;
  /** Until a pong comes; undefined: open. */
  #shutSinceMs: number | undefined;
  #conflates = false;
  #isEnded = false;

  constructor(
    private readonly pipe: Pipe,
    private readonly pump: Pump,
    private readonly signals: DeliverySignals,
    nowMs: number,
    spread: number,
  ) {
    this.#window = new Window(nowMs, spread);
  }

  get unackedBytes(): number {
    return this.#window.unackedBytes;
  }
  get isShut(): boolean {
    return this.#shutSinceMs !== undefined;
  }

  // What members tell.

  news(member: Member): void {
    if (this.#isEnded) return;
    this.#queue(member);
    this.resume();
  }

  evicted(member: Member): void {
    this.drop(member);
    this.pipe.evicted(member);
  }

  drop(member: Member): void {
    if (this.#first === member) this.#next();
    else if (this.#others.includes(member)) this.#others = this.#others.filter((other) => other !== member);
  }

  // What the pipe tells.

  /** Whether the pipe is writable is looked at when something is to be written to it. */
  resume(): void {
    if (this.#first !== undefined && !this.isShut && !this.#isEnded) this.pump.add(this);
  }

  wrote(bytes: number, nowMs: number): void {
    this.#window.wrote(bytes, nowMs);
  }

  pinged(nowMs: number): void {
    this.#window.pinged(nowMs);
  }

  ponged(nowMs: number): void {
    if (this.#isEnded) return;
    if (!this.#window.ponged()) return this.#end('forged_pong');
    if (this.#shutSinceMs !== undefined && nowMs - this.#shutSinceMs > PATIENCE_MS) this.#conflates = true;
    this.#shutSinceMs = undefined;
    this.resume();
  }

  ended(): void {
    this.#isEnded = true;
    this.#first = undefined;
    this.#others = NOBODY;
  }

  /** About once a second. */
  sweep(nowMs: number): void {
    if (this.#isEnded) return;
    const lateness = this.#window.lateness(nowMs);
    if (lateness !== undefined) return this.#end(lateness);
    if (this.#window.isPingDue(nowMs)) this.pipe.ping();
  }

  /** One write: what the members with news are due, as far as there is space. */
  pull(nowMs: number): void {
    if (this.#isEnded || this.isShut || !this.pipe.isWritable) return;
    let packets: Packet[] | undefined;
    let gathered = 0;
    let isFull = false;
    while (!isFull && gathered < GATHERED_BYTES) {
      const member = this.#next();
      if (member === undefined) break;
      const endOfTurn = Math.min(gathered + TURN_BYTES, GATHERED_BYTES);
      let due = member.next(this.#conflates);
      while (due !== undefined && gathered < endOfTurn) {
        const { length } = due.packet.wire;
        isFull = !this.#window.fits(gathered, length);
        if (isFull) break;
        member.took(due);
        if (packets === undefined) packets = [due.packet];
        else packets.push(due.packet);
        gathered += length;
        this.#count(due);
        due = member.next(this.#conflates);
      }
      if (due !== undefined) this.#queue(member); // the others first
    }
    if (packets !== undefined) {
      this.pipe.write(packets, isFull || this.#window.isProbeDueBehind(gathered));
      this.signals.wrote(packets.length, gathered);
    }
    if (isFull) this.#shut(nowMs);
    else if (this.#first === undefined) this.#conflates = false;
    if (this.#window.isProbeDueBehind(0) && !this.#isEnded) this.pipe.ping();
  }

  #queue(member: Member): void {
    if (this.#first === undefined) this.#first = member;
    else if (this.#first !== member && !this.#others.includes(member)) this.#others = [...this.#others, member];
  }

  /** Whose turn it is: the others move up. */
  #next(): Member | undefined {
    const member = this.#first;
    if (this.#others.length === 0) this.#first = undefined;
    else [this.#first, ...this.#others] = this.#others;
    return member;
  }

  #shut(nowMs: number): void {
    this.#shutSinceMs = nowMs;
    this.signals.shut();
    if (this.#window.isTailUnasked) this.pipe.ping();
  }

  #count({ frame, join, snapshot, collapsed = 0 }: Due): void {
    if (frame !== undefined) this.signals.frame(frame);
    if (join !== undefined) this.signals.joined(join);
    if (snapshot !== undefined) this.signals.snapshot(snapshot);
    if (collapsed > 0) this.signals.collapsed(collapsed);
  }

  #end(reason: EndReason): void {
    this.ended();
    this.pipe.end(reason);
  }
}
