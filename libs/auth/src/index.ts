/** A token in; an identity or a typed refusal out. HTTP and the socket handshake use the same verifier. */
export type { Identity, Verification, VerifyRefusal } from './identity.js';
export { keySetSignals, type KeySetSignals } from './key-set.js';
export { TokenVerifier, bearerOf, tokenRulesOf, type TokenRules, type VerifierOptions } from './verifier.js';
export { RememberingVerifier } from './remembering-verifier.js';
export { operatorWith } from './operator.js';
