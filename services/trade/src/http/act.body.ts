import type { ChallengeId, UserId } from '@tradesense/contracts';
import { v7 } from 'uuid';

import type { OperatorCommand } from '../domain/index.js';
import { IsId, IsOneOf, IsText, IsUserId } from './fields.js';

const VERDICTS = ['APPROVED', 'REJECTED'] as const;

/** Whom an act is about, and who acts. */
export interface ActOf {
  readonly challengeId: ChallengeId;
  readonly by: string;
}

type Command<Is extends OperatorCommand['is']> = Extract<OperatorCommand, { readonly is: Is }>;

/** Of every act. */
class ActBody {
  @IsId() act_id!: string;
  @IsText({ longest: 500 }) reason!: string;

  protected act(of: ActOf) {
    return { ...of, actId: this.act_id, reason: this.reason };
  }
}

/** Body of `POST /v1/challenges/{id}/owner`. */
export class OwnerBody extends ActBody {
  @IsUserId() user_id!: string;

  toCommand(of: ActOf): Command<'owner'> {
    return { is: 'owner', ...this.act(of), userId: this.user_id as UserId };
  }
}

/** Body of `POST /v1/challenges/{id}/review`. */
export class ReviewBody extends ActBody {
  @IsOneOf(VERDICTS) verdict!: (typeof VERDICTS)[number];

  toCommand(of: ActOf): Command<'review'> {
    return { is: 'review', ...this.act(of), verdict: this.verdict };
  }
}

/** Body of `POST /v1/challenges/{id}/close`. */
export class CloseBody extends ActBody {
  toCommand(of: ActOf): Command<'close'> {
    return { is: 'close', ...this.act(of) };
  }
}

/** Body of `POST /v1/challenges/{id}/reactivate`. */
export class ReactivateBody extends ActBody {
  /** The new challenge's id is drawn here: a repetition gets the first one's answer, and with it the first one's id. */
  toCommand(of: ActOf): Command<'reactivate'> {
    return { is: 'reactivate', ...this.act(of), newChallengeId: v7() as ChallengeId };
  }
}
