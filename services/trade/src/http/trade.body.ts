import { Instant, type ChallengeId, type Money, type TradeId } from '@tradesense/contracts';

import type { TradeCommand } from '../domain/index.js';
import { IsId, IsInstant, IsListOf, IsMoney, IsOneOf, IsOptional, IsQuantity, IsText } from './fields.js';
import { instantIn, moneyIn, reading, type NoteFault } from './reading.js';

const SIDES = ['BUY', 'SELL'] as const;

/** Body of `POST /v1/challenges/{id}/trades`. */
export class TradeBody {
  @IsId() trade_id!: string;
  @IsText({ longest: 64 }) symbol!: string;
  @IsMoney() realized_pnl!: string;
  @IsInstant() executed_at!: string;
  @IsOptional() @IsInstant() opened_at?: string | null;
  @IsOptional() @IsOneOf(SIDES) side?: 'BUY' | 'SELL' | null;
  @IsOptional() @IsQuantity() quantity?: string | null;
  @IsOptional() @IsMoney({ example: '3.50' }) commission?: string | null;
  @IsOptional() @IsId() corrects?: string | null;

  toCommand(challengeId: ChallengeId): TradeCommand {
    return reading((fault) => ({
      is: 'trade',
      challengeId,
      tradeId: this.trade_id as TradeId,
      symbol: this.symbol,
      pnl: moneyIn(this.realized_pnl, '/realized_pnl', fault),
      executedAt: Instant.of(this.executed_at),
      openedAt: instantIn(this.opened_at),
      side: this.side ?? null,
      quantity: this.quantity ?? null,
      commission: this.#commission(fault),
      corrects: (this.corrects ?? null) as TradeId | null,
    }));
  }

  /** The result is net of it. A rebate that were only recorded would be lost to the trader: it belongs into the result. */
  #commission(fault: NoteFault): Money | null {
    const commission = moneyIn(this.commission ?? null, '/commission', fault);
    if (commission !== null && commission < 0n)
      fault('/commission', 'must not be negative: put a rebate into realized_pnl, which is net');
    return commission;
  }
}

/** One of `POST /v1/trades`. */
export class ListedTradeBody extends TradeBody {
  @IsId() challenge_id!: string;
}

/** Body of `POST /v1/trades`; its items are read on their own. */
export class TradesBody {
  @IsListOf(ListedTradeBody, { most: 500 }) trades!: readonly unknown[];
}
