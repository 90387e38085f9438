import type { ChallengeId, EventId, Instant, Money, TradeId, UserId } from '@tradesense/contracts';

export interface OpenCommand {
  readonly is: 'open';
  readonly challengeId: ChallengeId;
  readonly userId: UserId;
  readonly program: string;
  /** Null: the program's own. */
  readonly initialBalance: Money | null;
  /** The challenge that this one takes the place of, by an operator's act. */
  readonly reactivates?: Reactivation;
}

export interface Reactivation {
  readonly previousChallengeId: ChallengeId;
  readonly reason: string;
  readonly by: string;
}

/** What is done to a challenge that exists. */
export type Command = TradeCommand | MarkCommand | RollCommand | ActCommand | EpochCommand;

export interface TradeCommand {
  readonly is: 'trade';
  readonly challengeId: ChallengeId;
  readonly tradeId: TradeId;
  readonly symbol: string;
  /** Net: commission is already in it and is only recorded. */
  readonly pnl: Money;
  readonly executedAt: Instant;
  readonly openedAt: Instant | null;
  readonly side: 'BUY' | 'SELL' | null;
  readonly quantity: string | null;
  readonly commission: Money | null;
  readonly corrects: TradeId | null;
}

/** Equity with open profit and loss, as prices stood at `priceTime`; its time is that, not the database's. */
export interface MarkCommand {
  readonly is: 'mark';
  readonly challengeId: ChallengeId;
  readonly equity: Money;
  readonly priceTime: Instant;
  /** The last trade whose result is no longer in the open profit; null before the first one (of a phase). */
  readonly lastTradeId: TradeId | null;
}

/** Rolls the days that are due at the moment, and tells equity that marks left untold: nobody trades. */
export interface RollCommand {
  readonly is: 'roll';
  readonly challengeId: ChallengeId;
}

/** An operator's, about one challenge alone. */
export type ActCommand = OwnerCommand | ReviewCommand | CloseCommand;

/** Any of an operator's. */
export type OperatorCommand = ActCommand | ReactivateCommand;

interface Act {
  readonly challengeId: ChallengeId;
  readonly actId: string;
  readonly reason: string;
  readonly by: string;
}

export interface OwnerCommand extends Act {
  readonly is: 'owner';
  readonly userId: UserId;
}

export interface ReviewCommand extends Act {
  readonly is: 'review';
  readonly verdict: 'APPROVED' | 'REJECTED';
}

export interface CloseCommand extends Act {
  readonly is: 'close';
}

/** Opens a challenge in the place of one that is over: `challengeId` is that one. */
export interface ReactivateCommand extends Act {
  readonly is: 'reactivate';
  readonly newChallengeId: ChallengeId;
}

/** Takes the moment's epoch, as any other command does by the way (design 5.4). */
export interface EpochCommand {
  readonly is: 'epoch';
  readonly challengeId: ChallengeId;
}

/** What a command gets from outside. */
export interface Moment {
  /** The database's clock when the challenge was locked. */
  readonly at: Instant;
  /** The stream's, read after the lock. */
  readonly epoch: number;
  readonly nextEventId: () => EventId;
}
