import { createHash } from 'node:crypto';

import type { Numbered } from './invariants.js';

/** An event with what must be the same on both sides. */
export interface Told extends Numbered {
  readonly event_id: string;
  readonly payload: string | Buffer;
}

/** A record of the topic. */
export interface Stored extends Told {
  readonly partition: number;
  /** When the broker stored it, milliseconds. */
  readonly storedAtMs: number;
}

/** An event that the topic has once more. */
export interface Repeat {
  readonly event: string;
  /** When it was stored before this, and this time. */
  readonly beforeMs: number;
  readonly againMs: number;
}

export interface Verdict {
  /** Events of the outbox. */
  readonly committed: number;
  /** Records of the topic. */
  readonly stored: number;
  /** Records that repeat an event: no breach, but somebody has to answer for each. */
  readonly repeats: number;
  /** What is wrong, in words; of each kind the first few, and how many more there are. Empty: nothing is. */
  readonly breaches: readonly string[];
}

const KINDS = [
  'the outbox itself is out of sequence',
  'lost',
  'from nowhere',
  'out of order',
  'other bytes than committed',
  'in two partitions',
] as const;
type Kind = (typeof KINDS)[number];

const SHOWN = 10;

/** Of one challenge: its events in the outbox's order, in columns, since a million of them must fit. */
interface Column {
  readonly epochs: number[];
  readonly sequences: number[];
  readonly digests: number[];
  /** 0: not yet. */
  readonly storedAtMs: number[];
  /** Events before this one have had their first occurrence, or were passed over. */
  next: number;
  partition: number | undefined;
}

const nameOf = (challengeId: string, epoch: number | undefined, sequence: number | undefined): string =>
  `${challengeId} ${epoch}/${sequence}`;

const named = ({ challenge_id, epoch, sequence }: Numbered): string => nameOf(challenge_id, epoch, sequence);

/** 48 bits of what must not differ: its id and its bytes. */
const digestOf = ({ event_id, payload }: Told): number =>
  createHash('sha1').update(event_id).update('\n').update(payload).digest().readUIntBE(0, 6);

/**
 * Compares a topic of events with the outbox it comes from. Right is, for each challenge: the same set of (epoch, sequence); first
 * occurrences ascend, 1..N in each epoch; the bytes and the id are those committed; all lie in one partition. Repeats are allowed
 * and counted, their bytes are compared as well.
 *
 * First every committed event is told, in order of position, then every record, in the order of its partition. Kept of each event
 * are four numbers, none of its bytes.
 */
export class LogCheck {
  readonly #columns = new Map<string, Column>();
  readonly #breaches = new Breaches();
  #committed = 0;
  #stored = 0;
  #repeats = 0;

  /** @param onRepeat told each event that comes again */
  constructor(private readonly onRepeat: (repeat: Repeat) => void = () => undefined) {}

  committed(event: Told): void {
    this.#committed += 1;
    const column = this.#columnOf(event.challenge_id);
    const lastEpoch = column.epochs.at(-1) ?? -1;
    const due = event.epoch > lastEpoch ? 1 : (column.sequences.at(-1) ?? 0) + 1;
    if (event.epoch < lastEpoch || event.sequence !== due)
      this.#breaches.add('the outbox itself is out of sequence', `${named(event)} where ${due} was due`);
    column.epochs.push(event.epoch);
    column.sequences.push(event.sequence);
    column.digests.push(digestOf(event));
    column.storedAtMs.push(0);
  }

  stored(record: Stored): void {
    this.#stored += 1;
    const column = this.#columns.get(record.challenge_id);
    const index = column === undefined ? -1 : indexIn(column, record);
    if (column === undefined || index < 0) return this.#breaches.add('from nowhere', named(record));
    if (column.digests[index] !== digestOf(record)) this.#breaches.add('other bytes than committed', named(record));
    column.partition ??= record.partition;
    if (column.partition !== record.partition)
      this.#breaches.add('in two partitions', `${named(record)} in ${record.partition}, before in ${column.partition}`);

    const beforeMs = column.storedAtMs[index] ?? 0;
    column.storedAtMs[index] = record.storedAtMs;
    if (beforeMs > 0) {
      this.#repeats += 1;
      this.onRepeat({ event: named(record), beforeMs, againMs: record.storedAtMs });
    } else if (index < column.next) {
      const before = nameOf(record.challenge_id, column.epochs[column.next - 1], column.sequences[column.next - 1]);
      this.#breaches.add('out of order', `${named(record)} after ${before}`);
    } else column.next = index + 1;
  }

  verdict(): Verdict {
    const breaches = new Breaches(this.#breaches);
    for (const [challengeId, { epochs, sequences, storedAtMs }] of this.#columns)
      for (const [index, ms] of storedAtMs.entries())
        if (ms === 0) breaches.add('lost', nameOf(challengeId, epochs[index], sequences[index]));
    const { words } = breaches;
    return { committed: this.#committed, stored: this.#stored, repeats: this.#repeats, breaches: words };
  }

  #columnOf(challengeId: string): Column {
    let column = this.#columns.get(challengeId);
    if (column === undefined) {
      column = { epochs: [], sequences: [], digests: [], storedAtMs: [], next: 0, partition: undefined };
      this.#columns.set(challengeId, column);
    }
    return column;
  }
}

/** Breaches by kind, of each kind no more kept than are shown. */
class Breaches {
  readonly #shown = new Map<Kind, readonly string[]>();
  readonly #counts = new Map<Kind, number>();

  constructor(from?: Breaches) {
    if (from === undefined) return;
    this.#shown = new Map(from.#shown);
    this.#counts = new Map(from.#counts);
  }

  add(kind: Kind, what: string): void {
    const count = this.#counts.get(kind) ?? 0;
    this.#counts.set(kind, count + 1);
    if (count < SHOWN) this.#shown.set(kind, [...(this.#shown.get(kind) ?? []), `${kind}: ${what}`]);
  }

  get words(): readonly string[] {
    return KINDS.flatMap((kind) => {
      const shown = this.#shown.get(kind) ?? [];
      const more = (this.#counts.get(kind) ?? 0) - shown.length;
      return more > 0 ? [...shown, `${kind}: ${more} more`] : shown;
    });
  }
}

/** Where the challenge's column has this event; negative: nowhere. */
function indexIn({ epochs, sequences }: Column, { epoch, sequence }: Numbered): number {
  let low = 0;
  let high = epochs.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const step = epochs[middle]! - epoch || sequences[middle]! - sequence;
    if (step === 0) return middle;
    if (step < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
