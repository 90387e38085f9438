import { Instant, Money, type AlertType, type LimitRule, type RiskAlert } from '@tradesense/contracts';

import type { Challenge, OpenAlert } from '../challenge.js';
import type { AlertTier, Percent, Program } from '../program/program.js';
import { drawdownOf, hasUsed, thresholdOf, type Standing } from './loss-limit.js';

const TEXTS: Record<LimitRule, { readonly type: AlertType; readonly name: string }> = {
  DAILY_LOSS: { type: 'HIGH_DAILY_DRAWDOWN', name: 'Daily' },
  TOTAL_LOSS: { type: 'HIGH_TOTAL_DRAWDOWN', name: 'Total' },
};

export type AlertFields = Omit<RiskAlert, 'event_id' | 'epoch' | 'sequence'>;

/** The seed's fields; `threshold_percentage` is the limit, not the tier. */
export function alertFields(
  challenge: Challenge,
  standing: Standing,
  { severity }: AlertTier,
  at: Instant,
): AlertFields {
  const { type, name } = TEXTS[standing.limit.rule];
  const drawdown = drawdownOf(standing);
  const threshold = thresholdOf(standing);
  return {
    challenge_id: challenge.challengeId,
    user_id: challenge.userId,
    alert_type: type,
    severity,
    title: `High ${name} Drawdown Warning`,
    message: `${name} drawdown at ${drawdown}% (limit: ${threshold}%)`,
    current_equity: Money.format(challenge.equity.current),
    daily_start_equity: Money.format(challenge.equity.dayStart),
    drawdown_percentage: drawdown,
    threshold_percentage: threshold,
    alert_timestamp: Instant.format(at),
  };
}

export const tierName = ({ atPercentOfLimit }: AlertTier): string => Money.format(Money.ofMinor(atPercentOfLimit));

/** Tiers of the standing's rule that are passed, ascending. */
export const passedTiers = ({ alertTiers }: Program, standing: Standing): readonly AlertTier[] =>
  alertTiers.filter(({ atPercentOfLimit }) => hasUsed(standing, atPercentOfLimit));

/** Names of the rule's tiers that are disarmed. */
export const openTiers = (open: readonly OpenAlert[], rule: LimitRule): readonly string[] =>
  open.filter((alert) => alert.rule === rule).map(({ tier }) => tier);

/** The highest tier that is passed, if it is armed: a jump over two fires one alert, for both. */
export function firingTier(program: Program, open: readonly string[], standing: Standing): AlertTier | undefined {
  const highest = passedTiers(program, standing).at(-1);
  return highest === undefined || open.includes(tierName(highest)) ? undefined : highest;
}

/** Open alerts without those whose tier equity has left behind by more than the hysteresis: they are armed again. */
export function stillOpen(program: Program, open: readonly OpenAlert[], standing: Standing): readonly OpenAlert[] {
  const recovered = program.alertTiers
    .filter(({ atPercentOfLimit }) => !hasUsed(standing, (atPercentOfLimit - program.hysteresis) as Percent))
    .map(tierName);
  return open.filter(({ rule, tier }) => rule !== standing.limit.rule || !recovered.includes(tier));
}
