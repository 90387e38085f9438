import type { ChallengeId } from '@tradesense/contracts';
import { faultOf } from '@tradesense/platform';

import type { Command, ReactivateCommand } from '../domain/index.js';
import type { Outcome } from './outcome.js';

/** What became of a command of a job: its outcome, or the fault that kept it from having one. */
export type Settled = Outcome | { readonly is: 'failed'; readonly fault: unknown };

/** Answered 503: it is posted again, so later ones of its challenge must not be decided before it. */
export const isUndecided = (settled: Settled): boolean =>
  settled.is === 'failed' && faultOf(settled.fault).remedy === 'wait';

/** What is done to a challenge that exists, or because of it. */
export type JobCommand = Command | ReactivateCommand;

/** Commands of one challenge that are decided one after another, under one lock, and share a transaction's fate. */
export interface Job {
  readonly challengeId: ChallengeId;
  readonly commands: readonly JobCommand[];
  /** Somebody's trade or act; marks and rolls give way to those of other challenges. */
  readonly isPressing: boolean;
  readonly traceparent: string | null;
  readonly arrivedMs: number;
  /** Called once, with one entry for each command. */
  readonly settle: (settled: readonly Settled[]) => void;
}

/** One job for each command, for when the transaction they shared was refused because of one of them. */
export function apart(job: Job): readonly Job[] {
  if (job.commands.length === 1) return [job];
  const settled: Settled[] = [];
  let left = job.commands.length;
  return job.commands.map((command, place) => ({
    ...job,
    commands: [command],
    settle([own]) {
      settled[place] = own!;
      left -= 1;
      if (left === 0) job.settle(settled);
    },
  }));
}
