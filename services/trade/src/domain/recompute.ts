import { Money } from '@tradesense/contracts';

import { CORE_VERSION, type Decision, type Finding } from './decision.js';
import { alertFinding, breachFinding, passFinding } from './findings.js';
import { phaseOf, type Program } from './program/program.js';
import { firingTier } from './rules/alert.js';
import { figuresFrom, type FiguresText } from './rules/figures.js';
import { standingOf } from './rules/loss-limit.js';
import { isPassed } from './rules/profit-target.js';

export interface Recomputed {
  /** Whether this core finds the same in the record's inputs. */
  readonly identical: boolean;
  readonly coreVersion: number;
  readonly recordedCoreVersion: number;
  /** What this core finds; null: nothing to record. */
  readonly finding: Finding | null;
}

/**
 * A record decided again from its inputs, by the rules of its own program.
 * @throws RangeError when `program` is not the record's
 */
export function recompute(program: Program, decision: Decision): Recomputed {
  if (program.id !== decision.programId || program.version !== decision.programVersion)
    throw new RangeError('a decision is recomputed by its own program');
  const { kind, rule, inputs, limit, value } = decision;
  const finding = findingOf(program, decision);
  return {
    identical: finding !== null && canonical(finding) === canonical({ kind, rule, inputs, limit, value }),
    coreVersion: CORE_VERSION,
    recordedCoreVersion: decision.coreVersion,
    finding,
  };
}

interface Inputs {
  readonly figures: FiguresText;
  readonly best_day: string;
  readonly total: string;
  readonly trading_days: number;
  readonly open_tiers: readonly string[];
}

function findingOf(program: Program, { kind, rule, phase: number, inputs, limit, value }: Decision): Finding | null {
  if (kind === 'reactivation') return { kind, rule, inputs, limit, value }; // a person's: nothing was computed
  const { figures: text, ...rest } = inputs as unknown as Inputs;
  const figures = figuresFrom(text);
  const phase = phaseOf(program, number);
  if (kind === 'pass') {
    const bestDay = { best: Money.of(rest.best_day), total: Money.of(rest.total) };
    const progress = { figures, bestDay, tradingDays: rest.trading_days };
    return isPassed(phase, progress) ? passFinding(phase, progress) : null;
  }
  const found = phase.limits.find((one) => one.rule === rule);
  if (found === undefined) return null;
  const standing = standingOf(found, figures);
  if (kind !== 'alert') return standing.breached ? breachFinding(figures, standing) : null;
  const tier = firingTier(program, rest.open_tiers, standing);
  return tier === undefined ? null : alertFinding(figures, standing, { tier, open: rest.open_tiers });
}

/** Independent of the order of keys, which a database may change. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
