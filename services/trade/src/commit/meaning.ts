import { createHash } from 'node:crypto';

import type { OpenCommand, TradeCommand } from '../domain/index.js';

/**
 * What a command means, apart from how it was spelled: cents, microseconds, canonical ids. Two bodies with one id and one
 * meaning are the same command posted twice.
 */
export const meaningOf = (command: OpenCommand | TradeCommand): Buffer =>
  createHash('sha256')
    .update(JSON.stringify(command.is === 'trade' ? tradeFields(command) : openFields(command)))
    .digest();

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
