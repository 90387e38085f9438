import { Instant, type ChallengeId } from '@tradesense/contracts';

import { micros } from './moments.js';
import type { OpenTransaction, Queries } from './transaction.js';

const READ_STREAM = `select epoch::text, ${micros('clock_timestamp()', 'now')} from stream`;

/** The history's epoch, and the database's clock. */
export async function readStream(queries: Queries): Promise<{ readonly epoch: number; readonly now: Instant }> {
  const [row] = await queries.query<{ epoch: string; now: string }>(READ_STREAM);
  if (row === undefined) throw new Error('the table stream is empty');
  return { epoch: Number(row.epoch), now: Instant.ofMicros(BigInt(row.now)) };
}

const KEEP_EPOCH = `select stream_keep_epoch()`;

/**
 * Ahead of `readStream` in a transaction that inserts a challenge: until it ends the epoch stays, so that the challenge is either
 * of the next epoch or found by the sweep to it.
 */
export const keepEpoch = async (transaction: OpenTransaction): Promise<void> =>
  void (await transaction.query(KEEP_EPOCH));

const RAISE_EPOCH = `select stream_raise_epoch()::text as epoch`;

/** The new epoch (design 5.4): what anybody decides from the commit on is of it. */
export async function raiseEpoch(transaction: OpenTransaction): Promise<number> {
  const [row] = await transaction.query<{ readonly epoch: string }>(RAISE_EPOCH);
  return Number(row!.epoch);
}

const READ_SWEEP = `select epoch::text from stream where swept < epoch`;

/** The epoch that some challenges have not taken yet; undefined when all have. */
export async function epochToSweep(queries: Queries): Promise<number | undefined> {
  const [row] = await queries.query<{ readonly epoch: string }>(READ_SWEEP);
  return row === undefined ? undefined : Number(row.epoch);
}

/** A challenge of an earlier epoch. `epoch` is kept as text: it only goes back to PostgreSQL. */
export interface Behind {
  readonly id: ChallengeId;
  readonly epoch: string;
}

/** Answered by the index alone; from a place on, since entries of those just taken stay in it until the next vacuum. */
const FIND_BEHIND = `
  select id, epoch::text
    from challenge
   where epoch < $1 and (epoch, id) > ($2::bigint, $3::uuid)
   order by epoch, id
   limit $4`;

/** Challenges below an epoch, those after the given place. */
export const findBehind = (
  queries: Queries,
  epoch: number,
  { after, limit }: { readonly after: Behind; readonly limit: number },
): Promise<readonly Behind[]> => queries.query<Behind>(FIND_BEHIND, [epoch, after.epoch, after.id, limit]);

const END_SWEEP = `select stream_end_sweep($1) as is_ended`;

/** Says that all challenges have the epoch, if they have, and it is still the latest. @returns whether this call said so */
export async function endSweep(queries: Queries, epoch: number): Promise<boolean> {
  const [row] = await queries.query<{ readonly is_ended: boolean }>(END_SWEEP, [epoch]);
  return row!.is_ended;
}
