import { insertAudit, raiseEpoch, type Database } from '../store/index.js';

/**
 * Raises the epoch, with its line in the audit: every command from then on is of the new one, and sweeps take the quiet
 * challenges along. Twice is only once too often: each time all challenges are told.
 * @returns the new epoch
 * @throws DatabaseUnavailable, Overloaded
 */
export const bumpEpoch = (
  database: Database,
  { who, why }: { readonly who: string; readonly why: string },
): Promise<number> =>
  database.transact(async (transaction) => {
    const [, epoch] = await Promise.all([transaction.begun, raiseEpoch(transaction)]);
    const of = { challenge_id: null, act_id: null, details: { epoch }, outcome: 'accepted' };
    await insertAudit(transaction, [{ who, act: 'epoch-bump', why, ...of }]);
    return epoch;
  });
