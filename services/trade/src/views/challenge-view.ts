import {
  Instant,
  type ChallengeId,
  type ChallengeLimits,
  type ChallengeState,
  type UserId,
} from '@tradesense/contracts';

import { limitsOf, programOf, rollTo, stateOf, type Challenge, type Program } from '../domain/index.js';
import { readChallenge, type Queries } from '../store/index.js';

/** Who looks: a user sees their own challenges, the platform's services see all. */
export type Reader = { readonly is: 'user'; readonly userId: UserId } | { readonly is: 'service' };

const maySee = (reader: Reader, owner: UserId): boolean => reader.is === 'service' || reader.userId === owner;

/**
 * A challenge as of now: a copy is rolled to the database's time, so that after midnight nobody is shown yesterday's floor.
 * Undefined alike for what does not exist and for what is somebody else's.
 */
export const viewChallenge = (
  queries: Queries,
  challengeId: ChallengeId,
  reader: Reader,
): Promise<ChallengeState | undefined> => viewed(queries, challengeId, reader, stateOf);

/** How far it is from its limits and its target, as of now; undefined as for `viewChallenge`. */
export const viewLimits = (
  queries: Queries,
  challengeId: ChallengeId,
  reader: Reader,
): Promise<ChallengeLimits | undefined> => viewed(queries, challengeId, reader, limitsOf);

async function viewed<View>(
  queries: Queries,
  challengeId: ChallengeId,
  reader: Reader,
  viewOf: (program: Program, challenge: Challenge) => View,
): Promise<View | undefined> {
  const found = await readChallenge(queries, challengeId);
  if (found === undefined || !maySee(reader, found.challenge.userId)) return undefined;
  const { challenge, now } = found;
  const program = programOf(challenge.program);
  return viewOf(program, rollTo(program, challenge, Instant.max(now, challenge.lastCommandAt)));
}
