import type { EventId } from '@tradesense/contracts';
import { append, lockAggregates } from '@tradesense/outbox';

import { latestProgram, openChallenge as decideOpening, stateOf, type OpenCommand } from '../domain/index.js';
import {
  INSERT_CHALLENGE,
  insertOpening,
  insertValues,
  keepEpoch,
  readOpening,
  readStream,
  type Database,
} from '../store/index.js';
import { meaningOf } from './meaning.js';
import { stateRow } from './outbox-rows.js';
import { refused, repeat, type Outcome } from './outcome.js';

/**
 * A new challenge: its row, the answer, and its state at sequence 0. There is no row to lock yet: inserting it is the lock, and
 * waits for whoever inserts the same id. The loser finds the winner's answer in a statement of its own (pitfall P10).
 */
export const openChallenge = (
  database: Database,
  command: OpenCommand,
  { nextEventId, traceparent }: { readonly nextEventId: () => EventId; readonly traceparent: string | null },
): Promise<Outcome> => {
  const meaning = meaningOf(command);
  const { challengeId } = command;
  return database.transact(async (transaction) => {
    const [, , known, stream] = await Promise.all([
      transaction.begun,
      keepEpoch(transaction),
      readOpening(transaction, challengeId),
      readStream(transaction),
    ]);
    if (known !== undefined) return repeat(known, meaning, 'challenge-exists');
    const program = latestProgram(command.program);
    if (program === undefined)
      return refused({ code: 'rule-violation', path: '/program', message: 'names no program that is offered' });
    const verdict = decideOpening(program, command, { at: stream.now, epoch: stream.epoch, nextEventId });
    if (verdict.is === 'refused') return refused(verdict.refusal);

    const { locked, rows } = await lockAggregates(transaction, INSERT_CHALLENGE, insertValues(verdict.challenge));
    if (rows.length === 0) {
      const winner = await readOpening(transaction, challengeId);
      return winner === undefined ? refused({ code: 'challenge-exists' }) : repeat(winner, meaning, 'challenge-exists');
    }
    const answer = JSON.stringify(stateOf(program, verdict.challenge));
    await Promise.all([
      insertOpening(transaction, challengeId, { meaning, answer }),
      append(transaction, locked, [stateRow(verdict.challenge, answer, traceparent)]),
    ]);
    return { is: 'accepted', answer, replayed: false };
  });
};
