/** Routes, bodies and problem documents: a request becomes a command or a refusal. */
export { ActsController } from './acts.controller.js';
export { ChallengesController, QUERIES, WRITER } from './challenges.controller.js';
export { ListsController, MARKS } from './lists.controller.js';
export { HttpListener, type ListenerOptions } from './listener.js';
export { PROGRAMS, ProgramsController } from './programs.controller.js';
export { describeModule, type ApiDescription } from './description/index.js';
