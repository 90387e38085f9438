import type { Cursor, Freshness } from '@tradesense/contracts';

import type { ClientFault } from '../fault.js';
import { NOTHING, type Figures } from './figures.js';

export type StaleReason =
  /** The gateway's: events are late, or may be. `unknown` where nothing tells (design 5.5). */
  | NonNullable<Freshness['reason']>
  | 'unknown'
  /** Ours: an event was missing, the page slept, or what was missed meanwhile is still arriving. */
  | 'gap'
  | 'asleep'
  | 'catching_up';

/**
 * Where a challenge's connection stands (design 11). `sinceMs`: wall clock, when the figures ceased to be live.
 *
 *   idle -> connecting -> joining -> live <-> stale -> closed | denied
 *                ^________________________|
 */
export type Connection =
  | { readonly is: 'idle' }
  | { readonly is: 'connecting'; readonly attempt: number; readonly sinceMs: number }
  | { readonly is: 'joining'; readonly sinceMs: number }
  | { readonly is: 'live' }
  | { readonly is: 'stale'; readonly why: StaleReason; readonly sinceMs: number }
  /** The fixed token has expired: another one opens it again. What was known stays, and is not live. */
  | { readonly is: 'closed'; readonly sinceMs: number }
  /** Not this user's, or no user at all. Nothing is shown. */
  | { readonly is: 'denied'; readonly fault: ClientFault };

/** One immutable picture; replaced when anything in it changes. */
export interface ChallengeView extends Figures {
  readonly connection: Connection;
  readonly isConnected: boolean;
  /** Figures are shown that may not be the latest. */
  readonly isStale: boolean;
  /** All that was committed before then is in the figures; RFC 3339, the database's clock. */
  readonly asOf: string | null;
  readonly error: ClientFault | null;
  readonly cursor: Cursor | null;
}

interface Parts {
  readonly connection: Connection;
  readonly figures: Figures;
  readonly asOf: string | null;
  readonly error: ClientFault | null;
  readonly cursor: Cursor | null;
}

export const viewOf = ({ connection, figures, ...rest }: Parts): ChallengeView => ({
  ...figures,
  ...rest,
  connection,
  isConnected: connection.is === 'joining' || connection.is === 'live' || connection.is === 'stale',
  isStale: connection.is !== 'live' && figures.snapshot !== null,
});

const bare = (connection: Connection): ChallengeView =>
  viewOf({ connection, figures: NOTHING, asOf: null, error: null, cursor: null });

/** Nothing is asked for. */
export const IDLE = bare({ is: 'idle' });
/** Asked for, and not begun: what a server renders, and a page before it subscribes. */
export const NOT_BEGUN = bare({ is: 'connecting', attempt: 0, sinceMs: 0 });
