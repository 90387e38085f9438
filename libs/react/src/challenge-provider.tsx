'use client';

import { sharedClients, type ChallengeClient } from '@tradesense/client';
import { createContext, type ReactNode } from 'react';

export const ProvidedClient = createContext<ChallengeClient | null>(null);

/** Where hooks without a provided client find theirs. */
export const Clients = createContext(sharedClients);

export interface ChallengeProviderProps {
  readonly client: ChallengeClient;
  readonly children?: ReactNode;
}

/** Optional: hooks below use this client in place of the shared one, and its address and token in place of theirs. */
export const ChallengeProvider = ({ client, children }: ChallengeProviderProps): ReactNode => (
  <ProvidedClient.Provider value={client}>{children}</ProvidedClient.Provider>
);
