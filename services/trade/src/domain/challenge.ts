import type {
  ChallengeId,
  EventId,
  Instant,
  LimitRule,
  Money,
  RiskAlert,
  Status,
  StatusReason,
  UserId,
} from '@tradesense/contracts';

import type { Day } from './day/day.js';

/** All that is known of a challenge at a sequence; what `decide` starts from and ends with. */
export interface Challenge {
  readonly challengeId: ChallengeId;
  readonly userId: UserId;
  readonly epoch: number;
  readonly sequence: number;
  /** Of the state row that carries this state. */
  readonly eventId: EventId;
  readonly program: { readonly id: string; readonly version: number };
  readonly phase: number;
  readonly status: Status;
  readonly statusReason: StatusReason | null;
  readonly initialBalance: Money;
  readonly balance: Money;
  readonly createdAt: Instant;
  /** Set with a status that nothing changes any more. */
  readonly closedAt: Instant | null;
  readonly previousChallengeId: ChallengeId | null;
  /** No later command has an earlier time, whatever the database's clock says. */
  readonly lastCommandAt: Instant;
  readonly equity: Equity;
  readonly day: Day;
  /** Local dates with at least one trade. */
  readonly tradingDays: number;
  readonly lastTradingDate: string | null;
  readonly openAlerts: readonly OpenAlert[];
}

export interface Equity {
  readonly previous: Money;
  readonly current: Money;
  readonly maxEver: Money;
  readonly dayStart: Money;
  readonly dayMax: Money;
  readonly dayMin: Money;
  readonly totalTrades: number;
  readonly lastTrade: { readonly pnl: Money; readonly symbol: string; readonly executedAt: Instant } | null;
}

/** Fired and not armed again: while it is open, its rule and tier stay silent. */
export interface OpenAlert {
  readonly rule: LimitRule;
  readonly tier: string;
  readonly alert: RiskAlert;
}
