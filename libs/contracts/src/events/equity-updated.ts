import { Type, type Static } from 'typebox';

import { amount, count, envelope, instant, userId, uuid } from './fields.js';

/**
 * The seed's fields of an equity update; a state carries the same object as `equity`. Null where there was no trade yet;
 * `trade_pnl` and `trade_symbol` also where a mark moved equity last, whose price time is then `executed_at`.
 */
export const equityFields = {
  challenge_id: uuid,
  user_id: userId,
  previous_equity: amount,
  current_equity: amount,
  max_equity_ever: amount,
  daily_start_equity: amount,
  daily_max_equity: amount,
  daily_min_equity: amount,
  total_pnl: amount,
  total_trades: count,
  last_trade_at: Type.Union([instant, Type.Null()]),
  trade_pnl: Type.Union([amount, Type.Null()]),
  trade_symbol: Type.Union([Type.String(), Type.Null()]),
  executed_at: Type.Union([instant, Type.Null()]),
};

export const EquityFields = Type.Object(equityFields);
export type EquityFields = Static<typeof EquityFields>;

/** After every trade, and after marks at most four times a second. */
export const EquityUpdated = Type.Object({ ...equityFields, ...envelope });
export type EquityUpdated = Static<typeof EquityUpdated>;
