import { Instant, Money, type ChallengeId, type TradeId } from '@tradesense/contracts';

import type { Challenge, TradeCommand } from '../domain/index.js';
import type { FirstAnswer } from './challenge-statements.js';
import { micros } from './moments.js';
import type { Queries } from './transaction.js';

export interface Found {
  /** The database's clock, read after the lock was taken: a statement of its own. */
  readonly now: Instant;
  readonly first: FirstAnswer | undefined;
  /** Whether the trade that is to be corrected is known; true when none is named. */
  readonly correctsKnown: boolean;
}

const FIND_TRADE = `
  select ${micros('clock_timestamp()', 'now')}, trade.meaning, trade.answer,
         $3::uuid is null or exists (select from trade t where t.challenge_id = $1 and t.trade_id = $3) as corrects_known
    from (values (1)) as one left join trade on trade.challenge_id = $1 and trade.trade_id = $2`;

interface FoundRow {
  readonly now: string;
  readonly meaning: Buffer | null;
  readonly answer: string | null;
  readonly corrects_known: boolean;
}

/** The key is looked up before anything is judged: a known trade is answered as it was, whatever has happened since. */
export async function findTrade(queries: Queries, { challengeId, tradeId, corrects }: TradeCommand): Promise<Found> {
  const [row] = await queries.query<FoundRow>(FIND_TRADE, [challengeId, tradeId, corrects]);
  if (row === undefined) throw new Error('a left join without a row');
  const { meaning, answer } = row;
  return {
    now: Instant.ofMicros(BigInt(row.now)),
    first: meaning === null || answer === null ? undefined : { meaning, answer },
    correctsKnown: row.corrects_known,
  };
}

const INSERT_TRADE = `
  insert into trade (challenge_id, trade_id, number, symbol, realized_pnl, balance, executed_at, opened_at, side, quantity,
                     commission, corrects, sequence, recorded_at, meaning, answer)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`;

/** @param sequence of the trade's EQUITY_UPDATED */
export async function insertTrade(
  queries: Queries,
  command: TradeCommand,
  { after, sequence, first }: { readonly after: Challenge; readonly sequence: number; readonly first: FirstAnswer },
): Promise<void> {
  await queries.query(INSERT_TRADE, [
    command.challengeId,
    command.tradeId,
    after.equity.totalTrades,
    command.symbol,
    Money.format(command.pnl),
    Money.format(after.balance),
    Instant.format(command.executedAt),
    command.openedAt === null ? null : Instant.format(command.openedAt),
    command.side,
    command.quantity,
    command.commission === null ? null : Money.format(command.commission),
    command.corrects,
    sequence,
    Instant.format(after.lastCommandAt),
    first.meaning,
    first.answer,
  ]);
}

const INSERT_LATE_TRADE = `
  insert into late_trade (challenge_id, trade_id, meaning, body) values ($1, $2, $3, $4) on conflict do nothing`;

export async function insertLateTrade(queries: Queries, command: TradeCommand, meaning: Buffer): Promise<void> {
  const body = JSON.stringify({
    symbol: command.symbol,
    realized_pnl: Money.format(command.pnl),
    executed_at: Instant.format(command.executedAt),
    opened_at: command.openedAt === null ? null : Instant.format(command.openedAt),
    side: command.side,
    quantity: command.quantity,
    commission: command.commission === null ? null : Money.format(command.commission),
    corrects: command.corrects,
  });
  await queries.query(INSERT_LATE_TRADE, [command.challengeId, command.tradeId, meaning, body]);
}

/** A trade as lists show it. */
export interface ListedTrade {
  readonly number: number;
  readonly trade_id: TradeId;
  readonly symbol: string;
  readonly realized_pnl: string;
  readonly balance: string;
  readonly executed_at: string;
  readonly opened_at: string | null;
  readonly side: string | null;
  readonly quantity: string | null;
  readonly commission: string | null;
  readonly corrects: TradeId | null;
  readonly sequence: string;
  readonly recorded_at: string;
}

const LIST_TRADES = `
  select number, trade_id, symbol, realized_pnl, balance, ${micros('executed_at', 'executed_at')},
         ${micros('opened_at', 'opened_at')}, side, quantity, commission, corrects, sequence::text,
         ${micros('recorded_at', 'recorded_at')}
    from trade
   where challenge_id = $1 and number > $2
   order by number
   limit $3`;

/** In the order they were applied, those after the given number. */
export const listTrades = (
  queries: Queries,
  { challengeId, after, limit }: { readonly challengeId: ChallengeId; readonly after: number; readonly limit: number },
): Promise<readonly ListedTrade[]> => queries.query<ListedTrade>(LIST_TRADES, [challengeId, after, limit]);
