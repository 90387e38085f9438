import type { ChallengeId, EventId, Instant, Money, TradeId, UserId } from '@tradesense/contracts';

export interface OpenCommand {
  readonly is: 'open';
  readonly challengeId: ChallengeId;
  readonly userId: UserId;
  readonly program: string;
  /** Null: the program's own. */
  readonly initialBalance: Money | null;
}

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

/** What a command gets from outside: the database's clock when the challenge was locked, and ids for its events. */
export interface Moment {
  readonly at: Instant;
  readonly nextEventId: () => EventId;
}
