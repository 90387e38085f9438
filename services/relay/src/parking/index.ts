/** Challenges that wait because Kafka refuses one of their rows: who is held back, and what an operator's wish does. */
export { Parking, type ParkingMetrics } from './parking.js';
