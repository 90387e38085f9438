import type { ClientFault, Connection } from '@tradesense/client';

import { ageText, clockText } from '../format/time.js';
import { STALE_WORDS } from '../format/words.js';

interface Words {
  readonly tone: 'good' | 'waiting' | 'bad';
  readonly icon: string;
  readonly text: string;
  readonly why?: string;
}

function wordsFor(connection: Connection, nowMs: number): Words {
  switch (connection.is) {
    case 'idle':
      return { tone: 'waiting', icon: '○', text: 'Not connected' };
    case 'connecting':
      return connection.attempt === 0
        ? { tone: 'waiting', icon: '↻', text: 'Connecting' }
        : { tone: 'bad', icon: '↻', text: `Reconnecting, ${ageText(nowMs - connection.sinceMs)}` };
    case 'joining':
      return { tone: 'waiting', icon: '↻', text: 'Joining' };
    case 'live':
      return { tone: 'good', icon: '●', text: 'Live' };
    case 'stale': {
      const text = `Not live for ${ageText(nowMs - connection.sinceMs)}`;
      return { tone: 'bad', icon: '◐', text, why: STALE_WORDS[connection.why] };
    }
    case 'closed':
      return { tone: 'bad', icon: '■', text: 'Signed out' };
    case 'denied':
      return { tone: 'bad', icon: '■', text: 'Access denied' };
  }
}

interface Props {
  readonly connection: Connection;
  readonly asOf: string | null;
  readonly error: ClientFault | null;
  readonly nowMs: number;
}

/** Whether what the page shows is live; if not, since when, as of when, and why. */
export function ConnectionState({ connection, asOf, error, nowMs }: Props) {
  const { tone, icon, text, why } = wordsFor(connection, nowMs);
  const isLive = connection.is === 'live';
  const facts = [asOf === null ? undefined : `Figures as of ${clockText(asOf)}`, error?.message ?? why];
  return (
    <div className={`connection ${tone}`} data-connection={connection.is}>
      <span className="pill">
        <span aria-hidden="true">{icon}</span> {text}
      </span>
      <span className="as-of">
        {isLive ? 'Figures are up to date' : facts.filter((fact) => fact !== undefined).join(' · ')}
      </span>
    </div>
  );
}
