import type { Fault, Finding } from '@tradesense/platform';

import type { Outstanding } from './publishing/index.js';

/** Where the relay stands, as readiness tells it. */
export type Standing =
  | { readonly is: 'starting' }
  /** Something it needs is away or unfit; it tries again. */
  | { readonly is: 'waiting'; readonly fault: Fault }
  | { readonly is: 'standing-by' }
  /** It has the lease and looks at how far Kafka and the database are; meanwhile nobody publishes. */
  | { readonly is: 'taking-over'; readonly sinceMs: number; readonly trouble: () => string | undefined }
  | { readonly is: 'leading'; readonly sincePassMs: () => number; readonly outstanding: () => Outstanding | undefined };

/** An idle leader makes a pass at least every 500 ms. */
const STUCK_MS = 5_000;

/** Ready is who publishes, or could at once. A leader that is idle is ready; one that is stuck is not, and says at what. */
export function findingOf(standing: Standing, nowMs: number): Finding {
  switch (standing.is) {
    case 'starting':
      return { ok: false, detail: 'connecting' };
    case 'waiting':
      return { ok: false, detail: standing.fault.message };
    case 'standing-by':
      return { ok: true, detail: 'standing by' };
    case 'taking-over': {
      const tookMs = nowMs - standing.sinceMs;
      const trouble = standing.trouble();
      const because = trouble === undefined ? '' : `: ${trouble}`;
      return {
        ok: trouble === undefined && tookMs <= STUCK_MS,
        detail: `taking over for ${seconds(tookMs)}${because}`,
      };
    }
    case 'leading': {
      const stuck = whereStuck(standing.outstanding(), standing.sincePassMs(), nowMs);
      return stuck === undefined ? { ok: true, detail: 'leading' } : { ok: false, detail: stuck };
    }
  }
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(0)} s`;

function whereStuck(outstanding: Outstanding | undefined, sincePassMs: number, nowMs: number): string | undefined {
  if (outstanding === undefined)
    return sincePassMs > STUCK_MS ? `no pass over the outbox for ${seconds(sincePassMs)}` : undefined;
  const { fault, sinceMs, oldest } = outstanding;
  const waitingMs = nowMs - sinceMs;
  if (fault === undefined && waitingMs <= STUCK_MS) return undefined;
  const because = fault === undefined ? '' : `: ${fault}`;
  return `Kafka has not acknowledged position ${oldest.position} for ${seconds(waitingMs)}${because}`;
}
