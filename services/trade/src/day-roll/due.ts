import type { ChallengeId } from '@tradesense/contracts';

import type { Queries } from '../store/index.js';
import { FIRST_ID } from '../sweep/index.js';

/** A challenge whose day has ended. `ends_at` is kept as PostgreSQL's text: it only goes back there. */
export interface Due {
  readonly id: ChallengeId;
  readonly ends_at: string;
}

/** Before every due challenge. */
export const FIRST: Due = { id: FIRST_ID, ends_at: '-infinity' };

/**
 * Answered by the index alone; from a place on, since entries of those just rolled stay in it until the next vacuum. `now()` is
 * this statement's start, there is no transaction around it; a volatile clock would make it read the whole index.
 */
const FIND_DUE = `
  select id, day_ends_at::text as ends_at
    from challenge
   where closed_at is null and day_ends_at <= now() - $3 * interval '1 ms'
     and (day_ends_at, id) > ($1::timestamptz, $2::uuid)
   order by day_ends_at, id
   limit $4`;

/** Those behind `after` whose day ended at least `restMs` ago, by the database's clock; the longest due first. */
export const findDue = (
  queries: Queries,
  after: Due,
  { restMs, limit }: { readonly restMs: number; readonly limit: number },
): Promise<readonly Due[]> => queries.query<Due>(FIND_DUE, [after.ends_at, after.id, restMs, limit]);
