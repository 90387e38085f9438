import type { ChallengeState, ChallengeStatusChanged } from '@tradesense/contracts';
import { useState } from 'react';

import type { LimitNow } from '../format/limits.js';
import { amountText } from '../format/money.js';
import { clockText } from '../format/time.js';
import { REASON_WORDS, STATUS_WORDS } from '../format/words.js';

interface Props {
  readonly state: ChallengeState;
  readonly change: ChallengeStatusChanged | null;
  readonly limits: readonly LimitNow[];
  readonly equity: string;
}

/** What ended or changed the challenge: rule, figure, limit, time; stays until it is dismissed. */
export function OutcomeBanner({ state, change, limits, equity }: Props) {
  const [dismissed, setDismissed] = useState<string | null>(null);
  const status = change?.new_status ?? state.status;
  const reason = change?.reason ?? state.status_reason;
  const at = change?.changed_at ?? state.closed_at;
  const key = `${status} ${at}`;
  if (status === 'ACTIVE' || dismissed === key) return null;
  const limit = limits.find(({ rule }) => rule === reason);
  return (
    <section className={`outcome ${status.toLowerCase()}`} role="alert">
      <div>
        <strong>{STATUS_WORDS[status]}</strong>
        {reason !== null && `: ${REASON_WORDS[reason]}`}
        {limit !== undefined &&
          `. Equity ${amountText(equity)}, floor ${amountText(limit.floor)} (limit ${limit.limitPercentage} %)`}
        {at !== null && `, at ${clockText(at)}`}
      </div>
      <button type="button" onClick={() => setDismissed(key)}>
        Dismiss
      </button>
    </section>
  );
}
