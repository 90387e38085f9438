import type {
  ChallengeId,
  EventId,
  Instant,
  LimitRule,
  Money,
  RiskAlert,
  Status,
  StatusReason,
  TradeId,
  UserId,
} from '@tradesense/contracts';

import type { Day } from './day/day.js';

/** A program's version, by name. */
export interface ProgramRef {
  readonly id: string;
  readonly version: number;
}

/** All that is known of a challenge at a sequence; what `decide` starts from and ends with. */
export interface Challenge {
  readonly challengeId: ChallengeId;
  readonly userId: UserId;
  readonly epoch: number;
  readonly sequence: number;
  /** Of the state row that carries this state. */
  readonly eventId: EventId;
  readonly program: ProgramRef;
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
  /** Days that count, of this phase: what makes one count is the program's to say. */
  readonly tradingDays: number;
  readonly lastTradingDate: string | null;
  readonly openAlerts: readonly OpenAlert[];
  readonly book: Book;
}

/** What rules remember besides equity; kept as one JSON column, since nobody asks SQL for it. */
export interface Book {
  readonly balance: { readonly dayStart: Money; readonly dayMax: Money; readonly max: Money };
  /** The highest at a day's start, the phase's own start among them. */
  readonly endOfDay: { readonly balance: Money; readonly equity: Money };
  /** The best closed day's result of this phase; zero while none was a gain. */
  readonly bestDay: Money;
  /** Local dates on which positions were opened, ascending, in programs that count those. */
  readonly openedDates: readonly string[];
  /** When this phase began. */
  readonly phaseStartedAt: Instant;
  /** The status to return to when a day's lock ends. */
  readonly lockedFrom: Status | null;
  /** A mark must name it. Null before a phase's first trade. */
  readonly lastTradeId: TradeId | null;
  readonly marks: Marks | null;
  /** Decision records so far: the next one's number is one more. */
  readonly decisions: number;
}

/** Of marks; null before the first. */
export interface Marks {
  /** Of the last one applied; an older one is stale. */
  readonly priceTime: Instant;
  /** Price time of the last one told as EQUITY_UPDATED; null before the first. */
  readonly toldAt: Instant | null;
  /** Whether equity has moved since. */
  readonly isUntold: boolean;
  /** Whether equity was last moved by a mark, not by a trade. */
  readonly isLatest: boolean;
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
