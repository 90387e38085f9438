'use client';

import {
  IDLE,
  NOT_BEGUN,
  type ClientPool,
  type ChallengeHandle,
  type ChallengeView,
  type SharedHandle,
  type Token,
} from '@tradesense/client';
import { useContext, useEffect, useMemo, useState, useSyncExternalStore } from 'react';

import { Clients, ProvidedClient } from './challenge-provider.js';

export interface LiveChallengeOptions {
  /** Address of the gateway; `ws://localhost:5000` unless given. */
  readonly url?: string;
  /** Ask for at most this many events (<= 200) from before the first join, for event listeners. */
  readonly history?: number;
}

export interface LiveChallenge extends Pick<
  ChallengeView,
  'equityData' | 'statusData' | 'riskAlerts' | 'isConnected' | 'error' | 'connection' | 'isStale' | 'asOf' | 'snapshot'
> {
  /** Fetches what is missing; resolves to whether the figures are current then. Never rejects. */
  readonly refresh: () => Promise<boolean>;
  readonly clearAlerts: () => void;
}

const DEFAULT_URL = 'ws://localhost:5000';

/** Nothing to ask for. */
const idle: ChallengeHandle = {
  subscribe: () => () => undefined,
  onEvent: () => () => undefined,
  getSnapshot: () => IDLE,
  refresh: () => Promise.resolve(false),
  clearAlerts: () => undefined,
};

/**
 * A challenge, live. Everything that goes on happens in the client; this subscribes to it.
 *
 * @param challengeId null or undefined: idle
 * @param token a JWT, or a function that gives one at each connect; null or undefined: idle. Another user's token shows nothing
 *   of the former's, from the first render on. A function may be a new one at each render: the newest is asked next. Hooks
 *   that are given the same function share a socket; to change users with functions, give the component another `key`.
 */
export function useLiveChallenge(
  challengeId: string | null | undefined,
  token: Token | null | undefined,
  options: LiveChallengeOptions = {},
): LiveChallenge {
  const handle = useChallengeHandle(challengeId, token, options);
  const view = useSyncExternalStore(handle.subscribe, handle.getSnapshot, () => (handle === idle ? IDLE : NOT_BEGUN));
  const { equityData, statusData, riskAlerts, isConnected, error, connection, isStale, asOf, snapshot } = view;
  const { refresh, clearAlerts } = handle;
  return {
    equityData,
    statusData,
    riskAlerts,
    isConnected,
    error,
    refresh,
    clearAlerts,
    connection,
    isStale,
    asOf,
    snapshot,
  };
}

/**
 * The handle behind `useLiveChallenge`, the same for the same arguments: for a page that wants each event and not only the
 * latest figures.
 */
export function useChallengeHandle(
  challengeId: string | null | undefined,
  token: Token | null | undefined,
  { url = DEFAULT_URL, history }: LiveChallengeOptions = {},
): ChallengeHandle {
  const provided = useContext(ProvidedClient);
  const clients = useContext(Clients);
  const user = useSameUser(clients, token);
  const shared = useMemo<SharedHandle | null>(() => {
    if (provided !== null || !challengeId || !user) return null;
    return clients.challenge({ url, token: user, ...(history === undefined ? {} : { history }) }, challengeId);
  }, [provided, clients, url, user, challengeId, history]);
  useEffect(() => {
    if (token) shared?.useToken(token);
  }, [shared, token]);
  const asked = challengeId && token !== null ? challengeId : null;
  return useMemo<ChallengeHandle>(
    () => (provided !== null && asked !== null ? provided.challenge(asked) : (shared ?? idle)),
    [provided, asked, shared],
  );
}

/** The first token of a user: it changes only when the user does, so that a newer token starts nothing anew. */
function useSameUser(clients: ClientPool, token: Token | null | undefined): Token | null {
  const [first, setFirst] = useState({ token: token || null });
  if (isSameUser(clients, first.token, token || null)) return first.token;
  const other = { token: token || null };
  setFirst(other);
  return other.token;
}

function isSameUser(clients: ClientPool, a: Token | null, b: Token | null): boolean {
  if (a === null || b === null) return a === b;
  if (typeof a === 'function' || typeof b === 'function') return typeof a === typeof b;
  return a === b || clients.keyOf(a) === clients.keyOf(b);
}
