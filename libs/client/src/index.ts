/** A page's side of the gateway: one socket, many challenges, no framework. Exact or honest about what it shows. */
export { type ChallengeEvent, type Figures } from './challenge/figures.js';
export { type ChallengeOptions, type EventListener } from './challenge/live-challenge.js';
export { IDLE, NOT_BEGUN, type ChallengeView, type Connection, type StaleReason } from './challenge/view.js';
export {
  createChallengeClient,
  type ChallengeClient,
  type ChallengeHandle,
  type ClientOptions,
  type Surroundings,
} from './client.js';
export { type Token, type TokenProvider } from './connection/token.js';
export { type Dial, type Wire, type WireListener } from './connection/wire.js';
export { type Cancel, type Environment, type Wake } from './environment.js';
export { type ClientFault, type FaultCode } from './fault.js';
export { ClientPool, sharedClients, type SharedHandle } from './shared.js';
