/** The rules, pure: no clock, no chance, no store; a command's time and its events' ids come in with it. */
export type { Book, Challenge, OpenAlert, ProgramRef } from './challenge.js';
export type {
  ActCommand,
  Command,
  EpochCommand,
  MarkCommand,
  Moment,
  OpenCommand,
  OperatorCommand,
  ReactivateCommand,
  Reactivation,
  RollCommand,
  TradeCommand,
} from './command.js';
export { CORE_VERSION, type Decision } from './decision.js';
export type { Told, ToldEvent } from './telling.js';
export type { FieldError, Program } from './program/program.js';
export { decide, tellingDueAt, type Unchanged, type Verdict } from './decide.js';
export { limitsOf } from './limits.js';
export { openChallenge, type Opening } from './opening.js';
export { reactivated } from './reactivation.js';
export { recompute, type Recomputed } from './recompute.js';
export type { Refusal, Refused } from './refusal.js';
export { rollTo } from './roll.js';
export { stateOf } from './state.js';
export { readProgram, type ProgramReading } from './program/read-program.js';
export { UnknownProgram, latestProgram, offer, programOf, programsOf, type Programs } from './program/programs.js';
