import { createChallengeClient, type ChallengeHandle } from '@tradesense/client';
import type { ChallengeState } from '@tradesense/contracts';
import { ChallengeProvider, useLiveChallenge } from '@tradesense/react';
import { useEffect, useMemo, useRef, useState } from 'react';

import { pictureOf, whyOutdated, type Figures } from '../format/picture.js';
import { Board } from './board.js';
import type { Credentials } from './credentials.js';
import type { PageConfig } from './page-config.js';
import { useSession } from './session.js';
import { ViewAsker, fetchView, type ReadView } from './view-asker.js';

interface Props {
  readonly config: PageConfig;
  readonly credentials: Credentials;
  readonly onSignOut: () => void;
}

/** As many events as a gateway gives from before the join: the chart begins with them. */
const HISTORY = 200;
const NOTICE_MS = 6_000;

/** Ticks once a second: countdown and ages. */
function useNow(): number {
  const [nowMs, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}

/** "Caught up 14 events" for a moment after the figures were not live. */
function useCaughtUp(isLive: boolean, sequence: number | null): string | null {
  const [notice, setNotice] = useState<string | null>(null);
  const leftAt = useRef<number | null>(null);
  const now = useRef(sequence);
  useEffect(() => {
    now.current = sequence;
  }, [sequence]);
  useEffect(() => {
    if (!isLive) {
      leftAt.current ??= now.current;
      return undefined;
    }
    const missed = leftAt.current === null || now.current === null ? 0 : now.current - leftAt.current;
    leftAt.current = null;
    if (missed <= 0) return undefined;
    setNotice(`Caught up ${missed} ${missed === 1 ? 'event' : 'events'}`);
    const timer = setTimeout(() => setNotice(null), NOTICE_MS);
    return () => clearTimeout(timer);
  }, [isLive]);
  return notice;
}

/** The trade API's view, asked for whenever events and snapshot can not tell floors and days. */
function useCurrentView(figures: Figures, nowMs: number, read: ReadView): ChallengeState | null {
  const [view, setView] = useState<ChallengeState | null>(null);
  const asker = useRef<ViewAsker | null>(null);
  useEffect(() => {
    const asking = new ViewAsker(read, setView);
    asker.current = asking;
    return () => asking.stop();
  }, [read]);
  const picture = pictureOf(figures, view);
  const why = picture === null ? null : whyOutdated(picture, nowMs);
  useEffect(() => asker.current?.because(why), [why]);
  return view;
}

export function ChallengePage({ config, credentials, onSignOut }: Props) {
  const { token, challengeId } = credentials;
  const { gatewayUrl, tradeUrl } = config;
  const client = useMemo(
    () => createChallengeClient({ url: gatewayUrl, token, history: HISTORY }),
    [gatewayUrl, token],
  );
  const challenge = useMemo(() => client.challenge(challengeId), [client, challengeId]);
  const read = useMemo<ReadView>(
    () => (signal) => fetchView(tradeUrl, challengeId, token, signal),
    [tradeUrl, challengeId, token],
  );
  return (
    <ChallengeProvider client={client}>
      <Challenge challenge={challenge} challengeId={challengeId} read={read} onSignOut={onSignOut} />
    </ChallengeProvider>
  );
}

interface ChallengeProps {
  readonly challenge: ChallengeHandle;
  readonly challengeId: string;
  readonly read: ReadView;
  readonly onSignOut: () => void;
}

function Challenge({ challenge, challengeId, read, onSignOut }: ChallengeProps) {
  const live = useLiveChallenge(challengeId, undefined);
  const { cursor } = challenge.getSnapshot();
  const nowMs = useNow();
  const session = useSession(challenge, live.snapshot);
  const view = useCurrentView({ ...live, cursor }, nowMs, read);
  return (
    <Board
      shown={{ ...live, cursor }}
      view={view}
      session={session}
      nowMs={nowMs}
      notice={useCaughtUp(live.connection.is === 'live', cursor?.sequence ?? null)}
      onClear={live.clearAlerts}
      onRefresh={() => void live.refresh()}
      onSignOut={onSignOut}
    />
  );
}
