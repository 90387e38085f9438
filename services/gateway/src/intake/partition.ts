import { CHALLENGE_PARTITIONS, type ChallengeId } from '@tradesense/contracts';
import { partitionOf } from '@tradesense/kafka';

/** Where a challenge's records lie or would lie, whether there are any or not. */
export const partitionOfChallenge = (challengeId: ChallengeId): number =>
  partitionOf(challengeId, CHALLENGE_PARTITIONS);
