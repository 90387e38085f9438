import { Instant, Money, readMoney, type FieldError } from '@tradesense/contracts';

import { ProblemError } from './problem.js';

export type NoteFault = (path: string, message: string) => void;

/** Builds a command out of a body of the right form; all values that break a rule are named together. */
export function reading<Command>(build: (fault: NoteFault) => Command): Command {
  const errors: FieldError[] = [];
  const command = build((path, message) => errors.push({ path, message }));
  if (errors.length > 0) throw new ProblemError('rule-violation', { errors });
  return command;
}

export function moneyIn<Text extends string | null>(
  text: Text,
  path: string,
  fault: NoteFault,
): Text extends string ? Money : Money | null {
  type Result = Text extends string ? Money : Money | null;
  if (text === null) return null as Result;
  const money = readMoney(text);
  if (money.ok) return money.amount as Result;
  fault(path, 'has more than 2 decimals');
  return Money.zero as Result;
}

export const instantIn = (text: string | null | undefined): Instant | null =>
  text === null || text === undefined ? null : Instant.of(text);
