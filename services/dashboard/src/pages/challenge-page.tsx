import { createChallengeClient } from '@tradesense/client';
import { ChallengeProvider, useLiveChallenge } from '@tradesense/react';
import { useEffect, useMemo, useRef, useState } from 'react';

import { Board } from './board.js';
import type { Credentials } from './credentials.js';
import { useSession } from './session.js';

interface Props {
  readonly gatewayUrl: string;
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

/** "Caught up 14 events" for a moment after a gap in the connection. */
function useCaughtUp(isLive: boolean, sequence: number | null): string | null {
  const [notice, setNotice] = useState<string | null>(null);
  const leftAt = useRef<number | null>(null);
  useEffect(() => {
    if (!isLive) {
      leftAt.current ??= sequence;
      return undefined;
    }
    const missed = leftAt.current === null || sequence === null ? 0 : sequence - leftAt.current;
    leftAt.current = null;
    if (missed <= 0) return undefined;
    setNotice(`Caught up ${missed} ${missed === 1 ? 'event' : 'events'}`);
    const timer = setTimeout(() => setNotice(null), NOTICE_MS);
    return () => clearTimeout(timer);
    // Only the moment of becoming live or not matters, not each event.
  }, [isLive]);
  return notice;
}

function Challenge({
  challenge,
  challengeId,
  token,
  onSignOut,
}: {
  readonly challenge: ReturnType<ReturnType<typeof createChallengeClient>['challenge']>;
  readonly challengeId: string;
  readonly token: string;
  readonly onSignOut: () => void;
}) {
  const live = useLiveChallenge(challengeId, token);
  const { points, trades } = useSession(challenge);
  const notice = useCaughtUp(live.connection.is === 'live', points.at(-1)?.sequence ?? null);
  return (
    <Board
      shown={live}
      points={points}
      trades={trades}
      nowMs={useNow()}
      notice={notice}
      onClear={live.clearAlerts}
      onRefresh={() => void live.refresh()}
      actions={
        <button type="button" onClick={onSignOut}>
          Sign out
        </button>
      }
    />
  );
}

export function ChallengePage({ gatewayUrl, credentials, onSignOut }: Props) {
  const { token, challengeId } = credentials;
  const client = useMemo(
    () => createChallengeClient({ url: gatewayUrl, token, history: HISTORY }),
    [gatewayUrl, token],
  );
  const challenge = useMemo(() => client.challenge(challengeId), [client, challengeId]);
  return (
    <ChallengeProvider client={client}>
      <Challenge challenge={challenge} challengeId={challengeId} token={token} onSignOut={onSignOut} />
    </ChallengeProvider>
  );
}
