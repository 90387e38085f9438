/** Who may come in, for how long, and how much each may ask for. */
export { addressKey } from './address.js';
export { Bucket } from './bucket.js';
export { isAllowedOrigin } from './origin.js';
export { Pass, type PassState } from './pass.js';
export { Seats, localUserSeats, type Leave, type UserSeats } from './seats.js';
