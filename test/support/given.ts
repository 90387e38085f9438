import { randomBytes, randomUUID } from 'node:crypto';

import type { Status } from '@tradesense/contracts';

/** Bodies as callers send them, with telling defaults: a test names only what it is about. */
export interface ChallengeRequest {
  readonly challenge_id: string;
  readonly user_id: string;
  readonly program: string;
  readonly initial_balance?: string;
}
export interface TradeRequest {
  readonly trade_id: string;
  readonly symbol: string;
  readonly realized_pnl: string;
  readonly executed_at: string;
  readonly opened_at?: string;
  readonly side?: string;
  readonly quantity?: string;
  readonly commission?: string;
  readonly corrects?: string;
}

/** A moment ago: trades report what has happened, and the API refuses times ahead of it. */
const aMomentAgo = (): string => new Date(Date.now() - 1_000).toISOString();

export const given = {
  userId: (): string => `trader-${randomBytes(6).toString('hex')}`,
  uuid: (): string => randomUUID(),
  /** The seed's program on its default balance of 10000.00. */
  challenge: (facts: Partial<ChallengeRequest> = {}): ChallengeRequest => ({
    challenge_id: randomUUID(),
    user_id: given.userId(),
    program: 'seed',
    ...facts,
  }),
  /** A profit of 200.00 in EURUSD: the seed's own example. */
  trade: (facts: Partial<TradeRequest> = {}): TradeRequest => ({
    trade_id: randomUUID(),
    symbol: 'EURUSD',
    realized_pnl: '200.00',
    executed_at: aMomentAgo(),
    ...facts,
  }),
  /**
   * Results that keep a challenge on 10000.00 within 1 % of it for ever: each gain is given back by the next trade. The amounts
   * differ, so that an event which stands in for another one shows.
   */
  swings: (count: number): readonly string[] =>
    Array.from({ length: count }, (_, index) => {
      const amount = `${1 + (Math.floor(index / 2) % 99)}.00`;
      return index % 2 === 0 ? amount : `-${amount}`;
    }),
};

/** Statuses after which a challenge takes no trade. */
export const ENDED: readonly Status[] = ['FUNDED', 'FAILED', 'CLOSED'];
