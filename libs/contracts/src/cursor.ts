/** The last event somebody handled. Events are compared by the pair; `sequence` counts from 1 in each epoch, 0 is "none yet". */
export interface Cursor {
  readonly epoch: number;
  readonly sequence: number;
}

/** Negative when `a` comes before `b`, 0 when they are the same, positive when `a` comes after `b`. */
export const compareCursors = (a: Cursor, b: Cursor): number => a.epoch - b.epoch || a.sequence - b.sequence;

export const isBeyond = (a: Cursor, b: Cursor): boolean => compareCursors(a, b) > 0;

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

export function isCursor(value: unknown): value is Cursor {
  if (typeof value !== 'object' || value === null) return false;
  const { epoch, sequence } = value as Record<string, unknown>;
  return isCount(epoch) && isCount(sequence);
}
