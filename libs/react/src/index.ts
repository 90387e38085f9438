'use client';

/** useLiveChallenge and nothing else: the hook subscribes to the client's machine and adds nothing. */
export { ChallengeProvider, type ChallengeProviderProps } from './challenge-provider.js';
export {
  useChallengeHandle,
  useLiveChallenge,
  type LiveChallenge,
  type LiveChallengeOptions,
} from './use-live-challenge.js';
export type { ChallengeView, ClientFault, Connection, StaleReason, Token, TokenProvider } from '@tradesense/client';
