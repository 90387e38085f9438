import type { Challenge } from './challenge.js';
import type { Moment, ReactivateCommand } from './command.js';
import { openChallenge, type Opening } from './opening.js';
import type { Program } from './program/program.js';
import { violation } from './refusal.js';

/**
 * The challenge that takes the place of one that is over: the same owner, initial balance and version of the program, from the
 * start. The old one stays as it ended.
 * @param program that of `over`
 */
export function reactivated(program: Program, over: Challenge, command: ReactivateCommand, moment: Moment): Opening {
  if (over.closedAt === null) return violation('', 'is about a challenge that is not over');
  const { newChallengeId, challengeId: previousChallengeId, reason, by } = command;
  return openChallenge(
    program,
    {
      is: 'open',
      challengeId: newChallengeId,
      userId: over.userId,
      program: program.id,
      initialBalance: over.initialBalance,
      reactivates: { previousChallengeId, reason, by },
    },
    moment,
  );
}
