/** The connections of each user on all gateways together: counted in Redis, and here alone while that is away. */
export { FleetSeats, type FleetSignals } from './fleet-seats.js';
export { RedisRegister } from './redis-register.js';
