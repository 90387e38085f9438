import { type RiskAlert, type Status, type StatusReason } from '@tradesense/contracts';

import type { Challenge } from './challenge.js';
import type { Moment } from './command.js';
import { recorded } from './decision.js';
import { alertFinding, breachFinding, passFinding } from './findings.js';
import { advance } from './phase.js';
import { phaseOf, type Program } from './program/program.js';
import { alertFields, firingTier, openTiers, passedTiers, stillOpen, tierName } from './rules/alert.js';
import { bestDayOf } from './rules/best-day.js';
import { figuresOf, type Figures } from './rules/figures.js';
import { standingOf, type Standing } from './rules/loss-limit.js';
import { isPassed, type Progress } from './rules/profit-target.js';
import { tell, tellStatus, tellUpdate, type Told } from './telling.js';

export const progressFrom = (challenge: Challenge): Progress => ({
  figures: figuresOf(challenge),
  bestDay: bestDayOf(challenge),
  tradingDays: challenge.tradingDays,
});

/** Limits, then the target, then alerts: a breach beats the target, and with a breach there is no alert (design 4). */
export function judge(program: Program, told: Told, moment: Moment): Told {
  const { challenge } = told;
  const phase = phaseOf(program, challenge.phase);
  const figures = figuresOf(challenge);
  const standings = phase.limits.map((limit) => standingOf(limit, figures));
  const breaches = standings.filter(({ breached }) => breached);
  const fatal = breaches.find(({ limit }) => limit.consequence === 'FAIL');
  if (fatal !== undefined) return failed(program, told, { standing: fatal, figures }, moment);
  const soft = mayLock(challenge) ? breaches[0] : undefined;
  if (soft !== undefined) return locked(program, told, { standing: soft, figures }, moment);

  const progress = progressFrom(challenge);
  if (challenge.status === 'ACTIVE' && isPassed(phase, progress)) {
    const passed = recorded(program, told, passFinding(phase, progress), moment.at);
    const after = phase.review
      ? changed(passed, 'IN_REVIEW', 'PROFIT_TARGET', moment)
      : advance(program, passed, 'PROFIT_TARGET', moment);
    if (after.challenge.phase !== challenge.phase) return after;
    return standings.reduce((so, standing) => alerted(program, so, { standing, figures }, moment), after);
  }
  return standings.reduce((so, standing) => alerted(program, so, { standing, figures }, moment), told);
}

const mayLock = ({ status }: Challenge): boolean => status === 'ACTIVE' || status === 'FUNDED';

interface Judged {
  readonly standing: Standing;
  readonly figures: Figures;
}

function failed(program: Program, told: Told, { standing, figures }: Judged, moment: Moment): Told {
  const ended = { ...told, challenge: { ...told.challenge, closedAt: moment.at } };
  const said = changed(ended, 'FAILED', standing.limit.rule, moment);
  return recorded(program, said, breachFinding(figures, standing), moment.at);
}

/** Until the next day's roll. It refuses no facts: trades and marks go on being applied. */
function locked(program: Program, told: Told, { standing, figures }: Judged, moment: Moment): Told {
  const { challenge } = told;
  const book = { ...challenge.book, lockedFrom: challenge.status };
  const said = changed({ ...told, challenge: { ...challenge, book } }, 'LOCKED', 'DAY_LOCK', moment);
  const shown = tellUpdate(program, said, 'DAY_LOCKED', moment);
  return recorded(program, shown, breachFinding(figures, standing), moment.at);
}

function changed(told: Told, status: Status, reason: StatusReason, moment: Moment): Told {
  return tellStatus({ ...told, challenge: { ...told.challenge, status, statusReason: reason } }, told, moment);
}

/** Arms again what has recovered, then fires the highest tier that is passed, if it is armed. */
function alerted(program: Program, told: Told, { standing, figures }: Judged, { at, nextEventId }: Moment): Told {
  const openAlerts = stillOpen(program, told.challenge.openAlerts, standing);
  const isArmed = openAlerts.length < told.challenge.openAlerts.length;
  const armed: Told = isArmed ? { ...told, challenge: { ...told.challenge, openAlerts } } : told;
  const { rule, consequence } = standing.limit;
  const open = openTiers(openAlerts, rule);
  const isSpent = told.challenge.status === 'LOCKED' && consequence === 'LOCK_DAY';
  const tier = isSpent ? undefined : firingTier(program, open, standing);
  if (tier === undefined) return armed;
  const fired = tell(armed, nextEventId(), 'RISK_ALERT', (challenge) => alertFields(challenge, standing, tier, at));
  const alert = fired.events.at(-1)?.body as RiskAlert;
  const disarmed = passedTiers(program, standing)
    .map(tierName)
    .filter((name) => !open.includes(name));
  const all = [...openAlerts, ...disarmed.map((name) => ({ rule, tier: name, alert }))];
  const said = { ...fired, challenge: { ...fired.challenge, openAlerts: all } };
  return recorded(program, said, alertFinding(figures, standing, { tier, open }), at);
}
