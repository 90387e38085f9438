import { Money } from '@tradesense/contracts';

import type { Finding } from './decision.js';
import type { AlertTier, Phase } from './program/program.js';
import { tierName } from './rules/alert.js';
import { figuresText, type Figures } from './rules/figures.js';
import type { Standing } from './rules/loss-limit.js';
import { earnedOf, targetOf, type Progress } from './rules/profit-target.js';

/** What decision records say, each kind in one place: `decide` makes them, and `recompute` makes them again. */
export const breachFinding = (figures: Figures, { limit, floor, value }: Standing): Finding => ({
  kind: limit.consequence === 'FAIL' ? 'breach' : 'lock',
  rule: limit.rule,
  inputs: { figures: figuresText(figures) },
  limit: Money.format(floor),
  value: Money.format(value),
});

export const passFinding = (phase: Phase, { figures, bestDay, tradingDays }: Progress): Finding => ({
  kind: 'pass',
  rule: 'PROFIT_TARGET',
  inputs: {
    figures: figuresText(figures),
    best_day: Money.format(bestDay.best),
    total: Money.format(bestDay.total),
    trading_days: tradingDays,
  },
  limit: Money.format(targetOf(phase, figures.initial) ?? figures.initial),
  value: Money.format(earnedOf(figures)),
});

/** @param open names of the rule's tiers that were disarmed before */
export const alertFinding = (
  figures: Figures,
  { limit, floor, value }: Standing,
  { tier, open }: { readonly tier: AlertTier; readonly open: readonly string[] },
): Finding => ({
  kind: 'alert',
  rule: limit.rule,
  inputs: { figures: figuresText(figures), open_tiers: open, tier: tierName(tier), severity: tier.severity },
  limit: Money.format(floor),
  value: Money.format(value),
});
