import type { Connection } from '@tradesense/client';

import { ageText, clockText } from '../format/time.js';

interface Words {
  readonly tone: 'good' | 'waiting' | 'bad';
  readonly icon: string;
  readonly text: string;
}

function wordsFor(connection: Connection, nowMs: number): Words {
  switch (connection.is) {
    case 'idle':
      return { tone: 'waiting', icon: '○', text: 'Not connected' };
    case 'connecting':
      return {
        tone: 'bad',
        icon: '↻',
        text: connection.attempt === 0 ? 'Connecting' : `Reconnecting, ${ageText(nowMs - connection.sinceMs)}`,
      };
    case 'joining':
      return { tone: 'waiting', icon: '↻', text: 'Catching up' };
    case 'live':
      return { tone: 'good', icon: '●', text: 'Live' };
    case 'stale':
      return { tone: 'bad', icon: '◐', text: `Not live for ${ageText(nowMs - connection.sinceMs)}` };
    case 'closed':
      return { tone: 'bad', icon: '■', text: 'Signed out' };
    case 'denied':
      return { tone: 'bad', icon: '■', text: 'Access denied' };
  }
}

/** Whether what the page shows is live, and as of when. */
export function ConnectionState({
  connection,
  asOf,
  nowMs,
}: {
  readonly connection: Connection;
  readonly asOf: string | null;
  readonly nowMs: number;
}) {
  const { tone, icon, text } = wordsFor(connection, nowMs);
  return (
    <div className={`connection ${tone}`} data-connection={connection.is}>
      <span className="pill">
        <span aria-hidden="true">{icon}</span> {text}
      </span>
      <span className="as-of">{asOf === null ? 'as of –' : `as of ${clockText(asOf)}`}</span>
    </div>
  );
}
