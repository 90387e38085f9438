import { Instant, Money, type ChallengeId, type TradeId } from '@tradesense/contracts';
import { sqlOf, valuesOf, type Column } from '@tradesense/outbox';

import type { Challenge, TradeCommand } from '../domain/index.js';
import type { FirstAnswer } from './challenge-statements.js';
import { micros, momentText } from './moments.js';
import type { TradeEntity } from './trade.entity.js';
import type { Queries } from './transaction.js';

/** Names a trade among those of several challenges. */
export const tradeKey = (challengeId: ChallengeId, tradeId: TradeId): string => `${challengeId} ${tradeId}`;

const FIND_TRADES = `
  select trade.challenge_id, trade.trade_id, trade.meaning, trade.answer
    from unnest($1::uuid[], $2::uuid[]) as asked (challenge_id, trade_id)
    join trade using (challenge_id, trade_id)`;

interface FoundRow extends FirstAnswer {
  readonly challenge_id: ChallengeId;
  readonly trade_id: TradeId;
}

/**
 * First answers of trades that are known, by key: those posted, and those they name as corrected. The key is looked up before
 * anything is judged: a known trade is answered as it was, whatever has happened since.
 */
export async function findTrades(
  queries: Queries,
  commands: readonly TradeCommand[],
): Promise<Map<string, FirstAnswer>> {
  if (commands.length === 0) return new Map();
  const keys = commands.flatMap(({ challengeId, tradeId, corrects }) =>
    [tradeId, corrects].flatMap((id) => (id === null ? [] : [{ challengeId, id }])),
  );
  const rows = await queries.query<FoundRow>(FIND_TRADES, [
    keys.map(({ challengeId }) => challengeId),
    keys.map(({ id }) => id),
  ]);
  return new Map(rows.map(({ challenge_id, trade_id, ...first }) => [tradeKey(challenge_id, trade_id), first]));
}

/** A trade with the challenge as it left it; `sequence` is of its EQUITY_UPDATED. */
export interface NewTrade {
  readonly command: TradeCommand;
  readonly after: Challenge;
  readonly sequence: number;
  readonly first: FirstAnswer;
}

const money = (amount: Money | null): string | null => (amount === null ? null : Money.format(amount));

const TRADE = {
  challenge_id: ['uuid', ({ command }) => command.challengeId],
  trade_id: ['uuid', ({ command }) => command.tradeId],
  number: ['integer', ({ after }) => after.equity.totalTrades],
  symbol: ['text', ({ command }) => command.symbol],
  realized_pnl: ['numeric', ({ command }) => Money.format(command.pnl)],
  balance: ['numeric', ({ after }) => Money.format(after.balance)],
  executed_at: ['timestamptz', ({ command }) => Instant.format(command.executedAt)],
  opened_at: ['timestamptz', ({ command }) => momentText(command.openedAt)],
  side: ['text', ({ command }) => command.side],
  quantity: ['text', ({ command }) => command.quantity],
  commission: ['numeric', ({ command }) => money(command.commission)],
  corrects: ['uuid', ({ command }) => command.corrects],
  sequence: ['bigint', ({ sequence }) => sequence],
  recorded_at: ['timestamptz', ({ after }) => Instant.format(after.lastCommandAt)],
  meaning: ['bytea', ({ first }) => `\\x${first.meaning.toString('hex')}`],
  answer: ['text', ({ first }) => first.answer],
} satisfies Record<keyof TradeEntity, Column<NewTrade>>;
const { names, casts, from } = sqlOf<NewTrade>(TRADE);
const INSERT_TRADES = `insert into trade (${names}) select ${casts} from ${from} as given (${names})`;

/** One statement for all of them. */
export async function insertTrades(queries: Queries, trades: readonly NewTrade[]): Promise<void> {
  if (trades.length === 0) return;
  await queries.query(INSERT_TRADES, valuesOf<NewTrade>(TRADE, trades));
}

const facts = (command: TradeCommand) => ({
  symbol: command.symbol,
  realized_pnl: Money.format(command.pnl),
  executed_at: Instant.format(command.executedAt),
  opened_at: momentText(command.openedAt),
  side: command.side,
  quantity: command.quantity,
  commission: money(command.commission),
  corrects: command.corrects,
});

/** A trade for a challenge that had ended. */
export interface LateTrade {
  readonly command: TradeCommand;
  readonly meaning: Buffer;
}

const INSERT_LATE_TRADES = `
  insert into late_trade (challenge_id, trade_id, meaning, body)
  select challenge_id, trade_id, decode(meaning, 'hex'), body
    from json_to_recordset($1) as given (challenge_id uuid, trade_id uuid, meaning text, body json)
  on conflict do nothing`;

export async function insertLateTrades(queries: Queries, late: readonly LateTrade[]): Promise<void> {
  if (late.length === 0) return;
  const rows = late.map(({ command, meaning }) => ({
    challenge_id: command.challengeId,
    trade_id: command.tradeId,
    meaning: meaning.toString('hex'),
    body: facts(command),
  }));
  await queries.query(INSERT_LATE_TRADES, [JSON.stringify(rows)]);
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
   where challenge_id = $1 and number > $2 and number > 0 -- the index's condition, for which nobody else asks
   order by number
   limit $3`;

/** In the order they were applied, those after the given number. */
export const listTrades = (
  queries: Queries,
  { challengeId, after, limit }: { readonly challengeId: ChallengeId; readonly after: number; readonly limit: number },
): Promise<readonly ListedTrade[]> => queries.query<ListedTrade>(LIST_TRADES, [challengeId, after, limit]);
