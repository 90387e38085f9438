import type { ChallengeId } from '@tradesense/contracts';

import { programOf, recompute, type Decision } from '../domain/index.js';
import { listDecisions, readDecision, type Queries } from '../store/index.js';
import { viewChallenge, type Reader } from './challenge-view.js';
import { BAD_PAGE_TOKEN, numberAfter, numberToken, type PageRequest } from './page.js';

export interface DecisionPage {
  readonly items: readonly DecisionView[];
  readonly next_cursor: string | null;
}

export type DecisionView = ReturnType<typeof viewOf>;

/** Why a challenge stands as it does: breaches, passes, alerts, acts, in the order they were decided. */
export async function viewDecisions(
  queries: Queries,
  challengeId: ChallengeId,
  reader: Reader,
  { limit, pageToken }: PageRequest,
): Promise<DecisionPage | typeof BAD_PAGE_TOKEN | undefined> {
  if ((await viewChallenge(queries, challengeId, reader)) === undefined) return undefined;
  const after = numberAfter('decisions', challengeId, pageToken);
  if (after === undefined) return BAD_PAGE_TOKEN;
  const found = await listDecisions(queries, { challengeId, after, limit: limit + 1 });
  const items = found.slice(0, limit).map(viewOf);
  const last = items.at(-1);
  const isMore = found.length > limit && last !== undefined;
  return { items, next_cursor: isMore ? numberToken('decisions', challengeId, last.number) : null };
}

const viewOf = ({ programId, programVersion, coreVersion, ...decision }: Decision) => ({
  ...decision,
  program: { id: programId, version: programVersion },
  core_version: coreVersion,
});

/** A decision decided again by the core of today; undefined where there is none of that number. */
export async function recomputed(queries: Queries, challengeId: ChallengeId, number: number) {
  const decision = await readDecision(queries, challengeId, number);
  if (decision === undefined) return undefined;
  const program = programOf({ id: decision.programId, version: decision.programVersion });
  const { identical, coreVersion, recordedCoreVersion } = recompute(program, decision);
  return { identical, core_version: coreVersion, recorded_core_version: recordedCoreVersion };
}
