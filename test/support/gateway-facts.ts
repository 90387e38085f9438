import { topicsOf } from '@tradesense/contracts';
import { partitionOf, type IncomingRecord, type OutgoingRecord } from '@tradesense/kafka';

import { readRecord, type IncomingEvent, type IncomingState } from '../../services/gateway/src/intake/index.js';
import type { RoomSignals } from '../../services/gateway/src/rooms/index.js';
import { recordOf, type Fact } from './facts.js';

const { events, state } = topicsOf();

/** A record as a reader would hand it over. */
export function incoming(record: OutgoingRecord, topic: string, timestampMs = Date.now()): IncomingRecord {
  return {
    topic,
    partition: record.key === null ? 0 : partitionOf(record.key, events.partitions),
    offset: 0n,
    timestampMs,
    key: record.key === null ? null : Buffer.from(record.key),
    value: record.value === null ? null : Buffer.from(record.value),
    headers: new Map(Object.entries(record.headers)),
  };
}

/** What intake makes of an event. */
export function eventFrom(fact: Fact, timestampMs?: number): IncomingEvent {
  const read = readRecord(incoming(recordOf(fact), events.name, timestampMs), 'events');
  if (read.is !== 'event') throw new Error(`not an event: ${JSON.stringify(read)}`);
  return read.event;
}

/** What intake makes of a state. */
export function stateFrom(fact: Fact, committedAtMs?: number): IncomingState {
  const read = readRecord(incoming(recordOf(fact, committedAtMs), state.name), 'state');
  if (read.is !== 'state') throw new Error(`not a state: ${JSON.stringify(read)}`);
  return read.state;
}

/** Signals that a test can read. */
export class Counted implements RoomSignals {
  readonly counts = new Map<string, number>();
  accepted = (): void => this.#add('accepted');
  duplicate = (): void => this.#add('duplicate');
  gap = (why: string): void => this.#add(`gap ${why}`);
  thinned = (): void => this.#add('thinned');
  of(what: string): number {
    return this.counts.get(what) ?? 0;
  }
  #add(what: string): void {
    this.counts.set(what, this.of(what) + 1);
  }
}
