/** A room per challenge: who owns it, its state, its last frames in order, and what each member was sent of them. */
export { FrameStore } from './frame-store.js';
export { gate, type Verdict } from './gate.js';
export { Member, NOWHERE, type Due, type JoinRequest, type NewsListener } from './member.js';
export { RING_LIMITS, Ring, type RingLimits } from './ring.js';
export { Room, type GapWhy, type Occupant, type RoomSignals, type Shared } from './room.js';
export { Rooms, type RoomsOptions } from './rooms.js';
export { STARTING, Standings, type Standing } from './standing.js';
