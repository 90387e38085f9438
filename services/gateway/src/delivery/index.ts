/** What each socket may be sent, when, and in whose turn: pulled from the rings, never queued. */
export { Channel, type DeliverySignals, type EndReason, type Pipe } from './channel.js';
export { Pump } from './pump.js';
export { Wheel } from './wheel.js';
export { WINDOW, Window } from './window.js';
