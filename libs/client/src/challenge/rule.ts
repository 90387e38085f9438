import { isBeyond, type Cursor } from '@tradesense/contracts';

/**
 * The client's rule (design 9), which makes "each event once, in order" true over duplicates, gaps, stand-ins and rewound
 * histories:
 *
 * C1 an event is handled only if it is of the cursor's epoch and prev <= cursor < sequence; then the cursor is at its sequence
 * C2 an event that is not beyond the cursor is dropped
 * C3 any other says that something is missing: the room is joined again from the cursor, one join at a time
 * C4 a snapshot is taken unless it is before the cursor in the same epoch; then the cursor is at the snapshot
 *
 * Without a cursor there is nothing to continue from: the snapshot that is owed comes first.
 */
export interface Numbered extends Cursor {
  /** The sequence this event follows: sequence - 1, unless it stands in for older ones. */
  readonly prev: number;
}
export type Verdict = 'handle' | 'drop' | 'rejoin';

export function judge(cursor: Cursor | null, event: Numbered): Verdict {
  if (cursor === null || !isBeyond(event, cursor)) return 'drop';
  return event.epoch === cursor.epoch && event.prev <= cursor.sequence ? 'handle' : 'rejoin';
}

export const isTaken = (cursor: Cursor | null, snapshot: Cursor): boolean =>
  cursor === null || snapshot.epoch !== cursor.epoch || snapshot.sequence >= cursor.sequence;
