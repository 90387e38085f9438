import { Instant, Money, type AlertType, type LimitRule, type RiskAlert } from '@tradesense/contracts';

import type { Challenge, OpenAlert } from '../challenge.js';
import type { AlertTier, Percent, Program } from '../program/program.js';
import { drawdownOf, hasUsed, type Standing } from './loss-limit.js';

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
  const { limit } = standing;
  const { type, name } = TEXTS[limit.rule];
  const drawdown = drawdownOf(standing);
  const threshold = Money.format(Money.ofMinor(limit.percent));
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

const isOf =
  ({ limit }: Standing, tier: AlertTier) =>
  (open: OpenAlert) =>
    open.rule === limit.rule && open.tier === tierName(tier);

/** The highest tier that is passed and still armed: a jump over two fires one alert. */
export function firingTier(program: Program, open: readonly OpenAlert[], standing: Standing): AlertTier | undefined {
  const passed = program.alertTiers.filter((tier) => hasUsed(standing, tier.atPercentOfLimit));
  const highest = passed.reduce<AlertTier | undefined>(
    (best, tier) => (best === undefined || tier.atPercentOfLimit > best.atPercentOfLimit ? tier : best),
    undefined,
  );
  return highest !== undefined && !open.some(isOf(standing, highest)) ? highest : undefined;
}

/** Open alerts without those whose tier equity has left behind by more than the hysteresis: they are armed again. */
export function stillOpen(program: Program, open: readonly OpenAlert[], standing: Standing): readonly OpenAlert[] {
  const recovered = program.alertTiers.filter(
    ({ atPercentOfLimit }) => !hasUsed(standing, (atPercentOfLimit - program.hysteresis) as Percent),
  );
  return open.filter((alert) => !recovered.some((tier) => isOf(standing, tier)(alert)));
}
