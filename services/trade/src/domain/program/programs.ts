import type { ProgramRef } from '../challenge.js';
import type { Program } from './program.js';

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

/** Until every caller is given its `Programs`: what `offer` was given last. */
let offered = programsOf([]);
export const offer = (programs: Programs): void => {
  offered = programs;
};
export const latestProgram = (id: string): Program | undefined => offered.latest(id);
export const programOf = (ref: ProgramRef): Program => offered.of(ref);
