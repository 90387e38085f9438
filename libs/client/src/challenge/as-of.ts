import type { Freshness } from '@tradesense/contracts';

/** Freshness as the gateway said it last, and when that was heard, monotonic milliseconds. */
export interface Heard {
  readonly freshness: Freshness;
  readonly atMs: number;
}

/** A room is live while the newest watermark is at most this old (design 8.6). */
const LIVE_WITHIN_MS = 10_000;

/**
 * The time before which everything is known to be here, in the database's clock. The gateway says it at transitions only; but
 * for as long as a room was live, no more than the permitted age can have been missing at the moment the gateway was last
 * heard. So a page that was live for an hour and is cut off says "as of a few seconds ago", and not "as of an hour ago".
 */
export function asOfAt({ freshness, atMs }: Heard, lastHeardMs: number): string | null {
  const { as_of: said, state } = freshness;
  if (said === null || state !== 'live') return said;
  const beganMs = Date.parse(said);
  const sinceMs = beganMs + (lastHeardMs - atMs) - LIVE_WITHIN_MS;
  return sinceMs > beganMs ? new Date(sinceMs).toISOString() : said;
}
