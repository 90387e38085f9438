import { createHash } from 'node:crypto';

import type { UserId } from '@tradesense/contracts';

/** A gateway's entries lie in so many hashes, each written whole and at once: a thousand users or so, well below 1 ms. */
export const SHARDS = 16;

/** Where a user's connections are counted. */
export interface Place {
  readonly shard: number;
  /** Whatever a user is called, it is short, safe in a key, and names nobody to whoever looks into Redis. */
  readonly field: string;
}

export function placeOf(userId: UserId): Place {
  const digest = createHash('sha256').update(userId).digest();
  return { shard: (digest[0] ?? 0) % SHARDS, field: digest.subarray(0, 16).toString('base64url') };
}
