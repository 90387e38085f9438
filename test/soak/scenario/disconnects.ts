import { setImmediate as turn } from 'node:timers/promises';

import type { Cursor, UserId } from '@tradesense/contracts';

import { Rooms } from '../../../services/gateway/src/rooms/index.js';
import { ByteLine } from '../../support/byte-line.js';
import { History, type Fact } from '../../support/facts.js';
import { Counted, eventFrom, stateFrom } from '../../support/gateway-facts.js';
import { ModelClient, type Truth } from '../../support/model-client.js';
import { chanceOf } from '../../support/outbox-writers.js';

/** Where a connection ends. */
export const CUTS = ['in a frame', 'behind the answer', 'in warm start'] as const;
export type Cut = (typeof CUTS)[number];

export interface DisconnectsSeen {
  readonly points: number;
  readonly byCut: Readonly<Record<Cut, number>>;
  readonly handled: number;
  readonly recovered: number;
  /** Joins that were answered otherwise, by reason. */
  readonly reasons: ReadonlyMap<string, number>;
  readonly partial: number;
  readonly duplicates: number;
  readonly gaps: number;
  /** Whatever else was not as it must be, with the point it happened at. */
  readonly faults: readonly string[];
}

const RINGS_BYTES = 4 * 1024 * 1024;
const RING_FRAMES = 256;
/** So many events away, and a ring goes back that far: it is never thinned to less than three quarters. */
const SURELY_RECOVERED = 192;
/** So many, and it has each of them as it was: the newest quarter, 64, is never thinned, and a few more come before it is read. */
const SURELY_WHOLE = 32;
const LONGEST_CUT_BYTES = 12_000;

/** What Kafka holds of one challenge. */
class Log implements Truth {
  readonly history = new History();
  readonly events: Fact[] = [];
  /** Where as many events had been written as its index says; of the last one, the newest. */
  readonly #states: Fact[] = [this.history.state()];
  readonly #equity = new Set<string>();

  write(kind: 'equity' | 'alert' | 'status'): void {
    const fact = this.history[kind]();
    this.events.push(fact);
    if (kind === 'equity') this.#equity.add(keyOf(fact.at));
    this.#states.push(this.history.state());
  }

  rewind(): void {
    this.history.rewind();
    this.#states[this.events.length] = this.history.state();
  }

  stateAfter(events: number): Fact {
    return this.#states[events]!;
  }

  isEquity(at: Cursor): boolean {
    return this.#equity.has(keyOf(at));
  }
  ownerAt(): UserId {
    return this.history.userId;
  }
}
const keyOf = ({ epoch, sequence }: Cursor): string => `${epoch}/${sequence}`;

/** One gateway's life: what it has read of the log so far. */
class Gateway {
  readonly rooms = new Rooms({ signals: new Counted(), ringBytes: RINGS_BYTES });
  #read: number;

  constructor(private readonly log: Log) {
    this.#read = Math.max(0, log.events.length - 2 * RING_FRAMES);
    for (let partition = 0; partition < 12; partition += 1)
      this.rooms.stand(partition, { state: 'live', asOf: '2026-11-25T10:00:00Z' });
  }

  get unread(): number {
    return this.log.events.length - this.#read;
  }

  /** The next events, then perhaps a state: that behind the last of them, or a newer one, since topics are read at their own speed. */
  read(events: number, state: 'none' | 'theirs' | 'newest'): void {
    for (const fact of this.log.events.slice(this.#read, this.#read + events)) {
      this.#read += 1;
      this.rooms.event(eventFrom(fact, this.#read));
    }
    if (state === 'none') return;
    this.rooms.state(stateFrom(this.log.stateAfter(state === 'theirs' ? this.#read : this.log.events.length)));
  }
}

/**
 * A client that does what the protocol says loses its connection at so many points, over any history, and comes back each time by
 * its cursor: to the same gateway, or to one that has just warmed up, that died while it did so, or that is a little behind.
 * Rooms, members and channels are the gateway's own; only the network and Kafka are not there.
 */
export async function disconnects(points: number, seed: number): Promise<DisconnectsSeen> {
  const chance = chanceOf(seed);
  const upTo = (limit: number): number => Math.floor(chance() * (limit + 1));
  const byCut: Record<Cut, number> = { 'in a frame': 0, 'behind the answer': 0, 'in warm start': 0 };
  const reasons = new Map<string, number>();
  const faults: string[] = [];
  let log = new Log();
  let gateway = new Gateway(log);
  let client = new ModelClient(log, log.history.userId);
  gateway.read(0, 'newest');
  let recovered = 0;
  let handled = 0;
  let partial = 0;
  let duplicates = 0;
  let gaps = 0;
  let point = 0;

  const write = (count: number): void => {
    for (let done = 0; done < count; done += 1)
      log.write(chance() < 0.8 ? 'equity' : chance() < 0.7 ? 'alert' : 'status');
  };
  const fault = (text: string): void => {
    if (text.includes(' again, ')) duplicates += 1;
    else if (text.includes(' follows ')) gaps += 1;
    faults.push(`point ${point}: ${text}`);
  };
  const guarded = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      fault(error instanceof Error ? error.message : String(error));
    }
  };
  const beginAnew = (): void => {
    handled += client.handled.length;
    partial += client.partial;
    log = new Log();
    gateway = new Gateway(log);
    gateway.read(0, 'newest');
    client = new ModelClient(log, log.history.userId);
  };
  const someState = (): 'none' | 'theirs' | 'newest' => (['none', 'theirs', 'theirs', 'newest'] as const)[upTo(3)]!;
  /** As at a supervisor's restart; it may die again in the middle of it, or be a little behind the one before. */
  const warmStart = (): void => {
    const deaths = upTo(2);
    for (let death = 0; death <= deaths; death += 1) {
      gateway = new Gateway(log);
      const isLast = death === deaths;
      const end = isLast ? Math.max(0, gateway.unread - (chance() < 0.5 ? upTo(30) : 0)) : upTo(gateway.unread);
      for (let read = 0; read < end;) {
        const piece = Math.min(1 + upTo(63), end - read);
        gateway.read(piece, chance() < 0.3 ? 'theirs' : 'none');
        read += piece;
      }
      write(upTo(3));
      if (isLast) gateway.read(0, 'theirs');
    }
  };

  /** What the client was told once it was back must be the best that can be. */
  const judge = (from: Cursor | undefined, bridged: number): void => {
    const { recovered: isRecovered, reason = '', epoch, sequence } = client.answer!;
    if (isRecovered) recovered += 1;
    else reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
    if (from?.epoch !== epoch) return;
    if (from.sequence > sequence && reason !== 'behind') fault(`${from.sequence} is ahead of ${sequence}: '${reason}'`);
    if (from.sequence > sequence) return;
    const away = sequence - from.sequence;
    if (away <= SURELY_RECOVERED && !isRecovered) fault(`${away} events away, not recovered: ${reason}`);
    if (away <= SURELY_WHOLE && bridged > 0) fault(`${away} events away, bridged though its window was never shut`);
  };

  for (; point < points; point += 1) {
    if (point % 50 === 49) beginAnew();
    const cut = CUTS[point % CUTS.length] as Cut;
    byCut[cut] += 1;

    // What happens while it is away: nearly always little, now and then more than a ring holds, or another history.
    const kind = chance();
    if (kind < 0.02) log.rewind();
    write(kind > 0.95 ? upTo(3 * RING_FRAMES) : kind > 0.7 ? 0 : upTo(40));
    if (cut === 'in warm start') warmStart();
    else gateway.read(gateway.unread - Math.min(gateway.unread, upTo(2)), someState());

    const from = client.cursor;
    const room = await gateway.rooms.owned(log.history.challengeId, log.history.userId, 0);
    if (room === undefined) {
      fault('the owner was not let in');
      continue;
    }
    const bridgedBefore = client.bridged;
    let seen = 0;
    const line = new ByteLine((message) => {
      seen += 1;
      guarded(() => client.take(message));
      // The answer, or what is said of freshness behind it, was the last that arrived.
      if (cut === 'behind the answer' && seen === 1 + (point % 2)) line.cut();
    });
    client.join(from);
    if (cut === 'in a frame') line.cutAfter(1 + upTo(LONGEST_CUT_BYTES));
    line.join(room, { cursor: from, history: 0 });

    for (let piece = 0; piece < 40 && !line.isCut; piece += 1) {
      write(upTo(4));
      gateway.read(upTo(gateway.unread), someState());
      if (piece % 4 === 3 || chance() < 0.5) await turn();
    }
    line.cut();
    if (client.isJoined) judge(from, client.bridged - bridgedBefore);
  }

  // In the end it is let be, and has all there is.
  gateway.read(gateway.unread, 'newest');
  const room = await gateway.rooms.owned(log.history.challengeId, log.history.userId, 0);
  const line = new ByteLine((message) => guarded(() => client.take(message)));
  client.join(client.cursor);
  if (room !== undefined) line.join(room, { cursor: client.cursor, history: 0 });
  for (let turns = 0; turns < 200; turns += 1) await turn();
  if (client.cursor === undefined || keyOf(client.cursor) !== keyOf(log.history.cursor))
    fault(`the end is ${keyOf(log.history.cursor)}, it has come to ${client.cursor && keyOf(client.cursor)}`);
  line.cut();
  handled += client.handled.length;
  partial += client.partial;
  return { points, byCut, handled, recovered, reasons, partial, duplicates, gaps, faults };
}
