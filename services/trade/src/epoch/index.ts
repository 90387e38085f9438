/** A new epoch for a database whose history was rewound, and the way of all challenges there (design 5.4). */
export { bumpEpoch } from './bump.js';
export { EpochSweep, type EpochSweepOptions } from './epoch-sweep.js';
