import type { EventId } from '@tradesense/contracts';
import { append, lockAggregates, type Locked } from '@tradesense/outbox';

import {
  decide,
  programOf,
  stateOf,
  type Challenge,
  type Moment,
  type Told,
  type TradeCommand,
} from '../domain/index.js';
import {
  LOCK_CHALLENGE,
  challengeOf,
  findTrade,
  insertLateTrade,
  insertTrade,
  updateChallenge,
  type ChallengeEntity,
  type Database,
  type OpenTransaction,
} from '../store/index.js';
import { meaningOf } from './meaning.js';
import { outboxRows } from './outbox-rows.js';
import { refused, repeat, type Outcome } from './outcome.js';

/**
 * The one transaction of a trade: lock the challenge, look its id up, decide, write trade, challenge and outbox rows, commit.
 * Whoever holds the challenge's lock is alone with it, so of twenty equal posts one decides and nineteen find its answer
 * (pitfall P10), and sequences ascend in the order of commits (P6). Three round trips: begin, lock and look-up are sent
 * together, then the three writes, then COMMIT, alone: it must not overtake a write that could not even be sent.
 */
export const postTrade = (
  database: Database,
  command: TradeCommand,
  { nextEventId, traceparent }: { readonly nextEventId: () => EventId; readonly traceparent: string | null },
): Promise<Outcome> => {
  const meaning = meaningOf(command);
  return database.transact(async (transaction) => {
    const [, { locked, rows }, found] = await Promise.all([
      transaction.begun,
      lockAggregates<ChallengeEntity>(transaction, LOCK_CHALLENGE, [command.challengeId]),
      findTrade(transaction, command),
    ]);
    const [row] = rows;
    if (row === undefined) return refused({ code: 'not-found' });
    if (found.first !== undefined) return repeat(found.first, meaning, 'trade-conflict');
    if (!found.correctsKnown)
      return refused({ code: 'rule-violation', path: '/corrects', message: 'names no trade of this challenge' });

    const verdict = judge(challengeOf(row), command, {
      at: found.now,
      epoch: Number(row.epoch),
      nextEventId,
    });
    if (verdict.is === 'refused') {
      if (verdict.refusal.code === 'challenge-closed') await insertLateTrade(transaction, command, meaning);
      return refused(verdict.refusal);
    }
    if (verdict.is === 'unchanged') throw new Error('a trade that changes nothing');
    return write(transaction, locked, { command, meaning, told: verdict, traceparent });
  });
};

const judge = (before: Challenge, command: TradeCommand, moment: Moment) =>
  decide(programOf(before.program), before, command, moment);

interface Decided {
  readonly command: TradeCommand;
  readonly meaning: Buffer;
  readonly told: Told;
  readonly traceparent: string | null;
}

async function write(transaction: OpenTransaction, locked: Locked, decided: Decided): Promise<Outcome> {
  const { command, meaning, told, traceparent } = decided;
  const { challenge, events } = told;
  const stateText = JSON.stringify(stateOf(programOf(challenge.program), challenge));
  const answer = answerOf(command, told, stateText);
  const sequence = events.find(({ type }) => type === 'EQUITY_UPDATED')?.body.sequence ?? challenge.sequence;
  await Promise.all([
    insertTrade(transaction, command, { after: challenge, sequence, first: { meaning, answer } }),
    updateChallenge(transaction, challenge),
    append(transaction, locked, outboxRows(told, stateText, traceparent)),
  ]);
  return { is: 'accepted', answer, replayed: false };
}

/** The state is serialised once: the same text goes into the outbox. */
function answerOf({ tradeId }: TradeCommand, { events }: Told, stateText: string): string {
  const named = events.map(({ type, body: { event_id, sequence } }) => ({ event_id, type, sequence }));
  return `{"trade_id":${JSON.stringify(tradeId)},"challenge":${stateText},"events":${JSON.stringify(named)}}`;
}
