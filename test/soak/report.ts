import { randomInt } from 'node:crypto';

import { table } from '../bench/figures.js';
import { machine } from '../bench/scene.js';

/** What a soak has to say: a table to read, a line for programs, and what was not as it must be. */
export interface Findings {
  readonly soak: string;
  /** How it was called, in words. */
  readonly how: string;
  readonly rows: readonly (readonly [string, string | number])[];
  readonly figures: Readonly<Record<string, unknown>>;
  /** In words; empty: all is well. */
  readonly faults: readonly string[];
}

/** Prints it, the line for programs last; faults make the exit code 1. */
export function report({ soak, how, rows, figures, faults }: Findings): void {
  console.log(`${soak}: ${how}; ${machine()}\n`);
  console.log(table(['', soak], rows));
  for (const fault of faults) console.log(`\nNOT AS IT MUST BE: ${fault}`);
  console.log(`\n${JSON.stringify({ soak, ok: faults.length === 0, ...figures, faults })}`);
  if (faults.length > 0) process.exitCode = 1;
}

/** Said as soon as it is known, on the channel that is not the result. */
export const progress = (text: string): void => void process.stderr.write(`${text}\n`);

/** As given, or any; printed, so that what it decided can be had again. */
export function seedOf(given: string | undefined): number {
  const seed = given === undefined ? randomInt(2 ** 31) : Number(given);
  progress(`SEED=${seed}`);
  return seed;
}

/** Faults of an expectation: none when it holds. */
export const unless = (holds: boolean, fault: string): readonly string[] => (holds ? [] : [fault]);
