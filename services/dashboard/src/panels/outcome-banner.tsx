import type { Status, StatusReason } from '@tradesense/contracts';
import { useState } from 'react';

import type { LimitNow } from '../format/limits.js';
import { amountText } from '../format/money.js';
import { clockText, dayText } from '../format/time.js';
import { REASON_WORDS, STATUS_WORDS } from '../format/words.js';

export interface Outcome {
  readonly status: Status;
  readonly reason: StatusReason | null;
  readonly at: string | null;
}

interface Props {
  readonly outcome: Outcome;
  readonly limits: readonly LimitNow[];
  readonly equity: string;
}

/** What ended or changed the challenge: rule, figure, limit, time; stays until it is dismissed. */
export function OutcomeBanner({ outcome: { status, reason, at }, limits, equity }: Props) {
  const [dismissed, setDismissed] = useState<string | null>(null);
  const key = `${status} ${at}`;
  if (status === 'ACTIVE' || dismissed === key) return null;
  const limit = limits.find(({ rule }) => rule === reason);
  return (
    <section className={`outcome ${status.toLowerCase()}`} role="alert">
      <div>
        <p className="verdict">
          {STATUS_WORDS[status]}
          {reason !== null && `: ${REASON_WORDS[reason]}`}
        </p>
        <p>
          {limit === undefined
            ? `Equity ${amountText(equity)}`
            : `Equity ${amountText(equity)} is below the floor of ${amountText(limit.floor)} (limit ${limit.limitPercentage} %)`}
          {at !== null && `, ${dayText(at)} at ${clockText(at)}`}
        </p>
      </div>
      <button type="button" onClick={() => setDismissed(key)}>
        Dismiss
      </button>
    </section>
  );
}
