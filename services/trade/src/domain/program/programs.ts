import { Money } from '@tradesense/contracts';

import type { ProgramRef } from '../challenge.js';
import type { Percent, Program } from './program.js';

/** The programs that are known: what the documents say, by id and version. */
export interface Programs {
  /** @throws UnknownProgram for a version that was never published */
  of(ref: ProgramRef): Program;
  /** The version a new challenge starts with; undefined: no such program. */
  latest(id: string): Program | undefined;
  /** Every version, by id, older ones first. */
  all(): readonly Program[];
}

export class UnknownProgram extends Error {
  constructor({ id, version }: ProgramRef) {
    super(`no program ${id} of version ${version}`);
  }
}

export function programsOf(programs: readonly Program[]): Programs {
  const sorted = programs.toSorted((a, b) => (a.id === b.id ? a.version - b.version : a.id < b.id ? -1 : 1));
  const byVersion = new Map(sorted.map((program) => [`${program.id} ${program.version}`, program]));
  const latest = new Map(sorted.map((program) => [program.id, program]));
  return {
    of(ref) {
      const found = byVersion.get(`${ref.id} ${ref.version}`);
      if (found === undefined) throw new UnknownProgram(ref);
      return found;
    },
    latest: (id) => latest.get(id),
    all: () => sorted,
  };
}

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

/** Until every caller is given its `Programs`. */
const PRESETS = programsOf([seed]);
export const latestProgram = (id: string): Program | undefined => PRESETS.latest(id);
export const programOf = (ref: ProgramRef): Program => PRESETS.of(ref);
