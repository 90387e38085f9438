import type { ChallengeId } from '@tradesense/contracts';

import { listHeads, type Queries } from '../store/index.js';

export interface Head {
  readonly challenge_id: ChallengeId;
  readonly epoch: number;
  readonly sequence: number;
}

/** The last event of each challenge, in order of their ids, beyond `after`; null: from the first on. */
export async function viewHeads(
  queries: Queries,
  asked: { readonly after: ChallengeId | null; readonly limit: number },
): Promise<readonly Head[]> {
  const rows = await listHeads(queries, asked);
  return rows.map(({ id, epoch, sequence }) => ({
    challenge_id: id,
    epoch: Number(epoch),
    sequence: Number(sequence),
  }));
}
