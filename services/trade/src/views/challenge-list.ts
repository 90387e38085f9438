import {
  Instant,
  isChallengeId,
  type ChallengeId,
  type ChallengeState,
  type Status,
  type UserId,
} from '@tradesense/contracts';

import { programOf, rollTo, stateOf } from '../domain/index.js';
import { listChallenges, type Queries } from '../store/index.js';
import { BAD_PAGE_TOKEN, type PageRequest } from './page.js';

export interface ChallengePage {
  readonly items: readonly ChallengeState[];
  readonly next_cursor: string | null;
}

/** A user's challenges, the newest first, each as of now. */
export async function viewChallenges(
  queries: Queries,
  { userId, status }: { readonly userId: UserId; readonly status: Status | null },
  { limit, pageToken }: PageRequest,
): Promise<ChallengePage | typeof BAD_PAGE_TOKEN> {
  const before = pageToken === null ? null : placeOf(pageToken);
  if (before === undefined) return BAD_PAGE_TOKEN;
  const { now, challenges } = await listChallenges(queries, { userId, status, before, limit: limit + 1 });
  const items = challenges.slice(0, limit);
  const last = items.at(-1);
  return {
    items: items.map((challenge) => {
      const program = programOf(challenge.program);
      return stateOf(program, rollTo(program, challenge, Instant.max(now, challenge.lastCommandAt)));
    }),
    next_cursor: challenges.length > limit && last !== undefined ? tokenOf(last.createdAt, last.challengeId) : null,
  };
}

const tokenOf = (createdAt: Instant, id: ChallengeId): string =>
  Buffer.from(`challenges ${createdAt} ${id}`).toString('base64url');

function placeOf(pageToken: string): { readonly createdAt: Instant; readonly id: string } | undefined {
  const [list, micros = '', id = ''] = Buffer.from(pageToken, 'base64url').toString().split(' ');
  const isPlace = list === 'challenges' && /^\d{1,17}$/.test(micros) && isChallengeId(id);
  return isPlace ? { createdAt: Instant.ofMicros(BigInt(micros)), id } : undefined;
}
