/** The rules, pure: no clock, no chance, no store; a command's time and its events' ids come in with it. */
export type { Challenge, OpenAlert } from './challenge.js';
export type { Moment, OpenCommand, TradeCommand } from './command.js';
export type { Told } from './telling.js';
export type { Program } from './program/program.js';
export { decide, openChallenge, type Refusal, type Verdict } from './decide.js';
export { rollTo } from './roll.js';
export { stateOf } from './state.js';
export { programOf, latestProgram } from './program/programs.js';
