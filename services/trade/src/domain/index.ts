/** The rules, pure: no clock, no chance, no store; a command's time and its events' ids come in with it. */
export type { Book, Challenge, OpenAlert, ProgramRef } from './challenge.js';
export type {
  ActCommand,
  Command,
  EpochCommand,
  MarkCommand,
  Moment,
  OpenCommand,
  Reactivation,
  RollCommand,
  TradeCommand,
} from './command.js';
export type { Decision } from './decision.js';
export type { Told, ToldEvent } from './telling.js';
export type { FieldError, Program } from './program/program.js';
export { decide, openChallenge, type Opening, type Refusal, type Unchanged, type Verdict } from './decide.js';
export { rollTo } from './roll.js';
export { stateOf } from './state.js';
export { UnknownProgram, latestProgram, programOf, programsOf, type Programs } from './program/programs.js';
