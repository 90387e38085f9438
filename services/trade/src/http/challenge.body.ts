import { type ChallengeId, type UserId } from '@tradesense/contracts';

import type { OpenCommand } from '../domain/index.js';
import { IsId, IsMoney, IsOptional, IsText, IsUserId } from './fields.js';
import { moneyIn, reading } from './reading.js';

/** Body of `POST /v1/challenges`. */
export class ChallengeBody {
  @IsId() challenge_id!: string;
  @IsUserId() user_id!: string;
  @IsText({ longest: 64 }) program!: string;
  @IsOptional() @IsMoney({ example: '100000.00' }) initial_balance?: string | null;

  toCommand(): OpenCommand {
    return reading((fault) => ({
      is: 'open',
      challengeId: this.challenge_id as ChallengeId,
      userId: this.user_id as UserId,
      program: this.program,
      initialBalance: moneyIn(this.initial_balance ?? null, '/initial_balance', fault),
    }));
  }
}
