'use client';

import type { ChallengeClient } from '@tradesense/client';
import { createContext, useContext, type ReactNode } from 'react';

const ClientContext = createContext<ChallengeClient | null>(null);

/** For tests and for pages with gateways of their own: hooks below use this client instead of the shared one. */
export const ChallengeProvider = ({
  client,
  children,
}: {
  readonly client: ChallengeClient;
  readonly children: ReactNode;
}) => <ClientContext.Provider value={client}>{children}</ClientContext.Provider>;

export const useProvidedClient = (): ChallengeClient | null => useContext(ClientContext);
