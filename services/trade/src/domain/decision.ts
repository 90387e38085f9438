import { Instant, type LimitRule } from '@tradesense/contracts';

import type { Program } from './program/program.js';
import type { Told } from './telling.js';

/** Raised by one whenever the same inputs may give another verdict. */
export const CORE_VERSION = 1;

/**
 * A verdict with all that it was made from, as it is kept: amounts are decimal strings, moments RFC 3339. The same core makes
 * the identical record of the same inputs (`recompute`).
 */
export interface Decision {
  /** Counts a challenge's decisions from 1. */
  readonly number: number;
  readonly kind: 'breach' | 'lock' | 'pass' | 'alert' | 'reactivation';
  readonly rule: LimitRule | 'PROFIT_TARGET' | 'OPERATOR';
  readonly phase: number;
  readonly inputs: Readonly<Record<string, unknown>>;
  /** The floor, or the target; null where nothing was compared. */
  readonly limit: string | null;
  /** What was held against it. */
  readonly value: string | null;
  readonly programId: string;
  readonly programVersion: number;
  readonly coreVersion: number;
  /** The command's time: a mark's price time, a roll's boundary. */
  readonly at: string;
}

export type Finding = Pick<Decision, 'kind' | 'rule' | 'inputs' | 'limit' | 'value'>;

/** One more record of the challenge; of a pass, made before the next phase begins. */
export function recorded(program: Program, told: Told, finding: Finding, at: Instant): Told {
  const { phase, book } = told.challenge;
  const number = book.decisions + 1;
  const decision: Decision = {
    number,
    ...finding,
    phase,
    programId: program.id,
    programVersion: program.version,
    coreVersion: CORE_VERSION,
    at: Instant.format(at),
  };
  return {
    ...told,
    challenge: { ...told.challenge, book: { ...book, decisions: number } },
    decisions: [...told.decisions, decision],
  };
}
