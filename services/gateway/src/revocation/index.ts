/** Who is shut out before their token ends: what the access topic says, and how operators write it. */
export { Access, BLIND_AFTER_MS, type AccessSignals, type Standing } from './access.js';
export { accessActs, type AccessActsOptions } from './acts.js';
