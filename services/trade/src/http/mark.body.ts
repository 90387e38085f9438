import { Instant, type ChallengeId, type TradeId } from '@tradesense/contracts';

import type { MarkCommand } from '../domain/index.js';
import { IsId, IsInstant, IsListOf, IsMoney, IsOptional } from './fields.js';
import { moneyIn, reading } from './reading.js';

/** One of `POST /v1/marks`. */
export class MarkBody {
  @IsId() challenge_id!: string;
  @IsMoney({ example: '100079.50' }) equity!: string;
  @IsInstant() price_time!: string;
  @IsOptional() @IsId() last_trade_id?: string | null;

  toCommand(): MarkCommand {
    return reading((fault) => ({
      is: 'mark',
      challengeId: this.challenge_id as ChallengeId,
      equity: moneyIn(this.equity, '/equity', fault),
      priceTime: Instant.of(this.price_time),
      lastTradeId: (this.last_trade_id ?? null) as TradeId | null,
    }));
  }
}

/** Body of `POST /v1/marks`; its items are read on their own. */
export class MarksBody {
  @IsListOf(MarkBody, { most: 5_000 }) marks!: readonly unknown[];
}
