import { Money } from '@tradesense/contracts';

import type { Percent, Program } from './program.js';

const percent = (text: string): Percent => Money.of(text) as bigint as Percent;

const seed: Program = {
  id: 'seed',
  version: 1,
  timeZone: 'UTC',
  dayStartsAt: '00:00',
  initialBalance: Money.of('10000.00'),
  profitTarget: percent('10.00'),
  tradingDaysNeeded: 0,
  limits: [
    { rule: 'DAILY_LOSS', reference: 'DAY_START', percent: percent('5.00') },
    { rule: 'TOTAL_LOSS', reference: 'PEAK', percent: percent('10.00') },
  ],
  alertTiers: [{ atPercentOfLimit: percent('80.00'), severity: 'MEDIUM' }],
  hysteresis: percent('10.00'),
};

const PROGRAMS: readonly Program[] = [seed];

/** The version a new challenge starts with; undefined: no such program. */
export const latestProgram = (id: string): Program | undefined => PROGRAMS.findLast((program) => program.id === id);

/** @throws RangeError for a version that was never published */
export function programOf({ id, version }: { readonly id: string; readonly version: number }): Program {
  const found = PROGRAMS.find((program) => program.id === id && program.version === version);
  if (found === undefined) throw new RangeError(`no program ${id} of version ${version}`);
  return found;
}
