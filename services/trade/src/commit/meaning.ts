import { createHash } from 'node:crypto';

import type { OpenCommand, OperatorCommand, TradeCommand } from '../domain/index.js';

/**
 * What a command means, apart from how it was spelled: cents, microseconds, canonical ids. Two bodies with one id and one
 * meaning are the same command posted twice.
 */
export const meaningOf = (command: OpenCommand | TradeCommand | OperatorCommand): Buffer =>
  createHash('sha256')
    .update(JSON.stringify(fieldsOf(command)))
    .digest();

function fieldsOf(command: OpenCommand | TradeCommand | OperatorCommand): readonly unknown[] {
  switch (command.is) {
    case 'open':
      return openFields(command);
    case 'trade':
      return tradeFields(command);
    default:
      return actFields(command);
  }
}

const text = (value: bigint | null): string | null => (value === null ? null : value.toString());

const openFields = ({ is, challengeId, userId, program, initialBalance }: OpenCommand) => [
  is,
  challengeId,
  userId,
  program,
  text(initialBalance),
];

const tradeFields = (trade: TradeCommand) => [
  trade.is,
  trade.challengeId,
  trade.tradeId,
  trade.symbol,
  text(trade.pnl),
  text(trade.executedAt),
  text(trade.openedAt),
  trade.side,
  trade.quantity,
  text(trade.commission),
  trade.corrects,
];

/** Not who acts: whoever repeats it gets the first one's answer. Nor the id that a new challenge would be given. */
const actFields = (act: OperatorCommand) => [
  act.is,
  act.challengeId,
  act.actId,
  act.reason,
  ...Object.values(namedBy(act)),
];

/** What an act names beside its challenge and its reason. */
export function namedBy(act: OperatorCommand): Readonly<Record<string, string>> {
  if (act.is === 'owner') return { user_id: act.userId };
  return act.is === 'review' ? { verdict: act.verdict } : {};
}
