/** The bounded right to be the leader, and the floor that is saved with it. */
export { LeaseHolder, type LeaseOptions } from './lease-holder.js';
export { isLeader, type Leader } from './statements.js';
