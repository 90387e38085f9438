/** socket.io: who is let in, what they may ask, how they go. The only folder that knows it. */
export { ChallengeGateway } from './challenge.gateway.js';
export { Connections, type ConnectionsOptions } from './connections.js';
export { SocketAdapter } from './socket.adapter.js';
export { NotHereFilter, answerProblem, type ProblemReply } from './not-here.filter.js';
export { HANDSHAKE_REFUSALS, TURNED_AWAY, type EndCause, type TransportSignals } from './signals.js';
