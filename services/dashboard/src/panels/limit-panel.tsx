import { Money } from '@tradesense/contracts';

import type { LimitNow } from '../format/limits.js';
import { amountText } from '../format/money.js';
import { clockText, countdown, utcText } from '../format/time.js';
import { RULE_WORDS } from '../format/words.js';
import { Bar, type Tone } from './bar.js';

interface Props {
  readonly limit: LimitNow;
  /** When the daily limit starts anew; null for a limit that does not. */
  readonly resetsAt: string | null;
  readonly nowMs: number;
}

const NEAR = Money.of('80.00');

function toneOf({ breached, usedPercentage }: LimitNow): Tone {
  if (breached) return 'danger';
  return Money.of(usedPercentage) >= NEAR ? 'warning' : 'calm';
}

const TONE_WORDS: Readonly<Record<Tone, string>> = {
  calm: 'Within limit',
  warning: '! Close to limit',
  danger: '✕ Limit breached',
  goal: '',
};

/** What may still be lost before a limit is breached, and where its floor lies. */
export function LimitPanel({ limit, resetsAt, nowMs }: Props) {
  const tone = toneOf(limit);
  return (
    <section className="card limit" data-rule={limit.rule}>
      <header>
        <h2>{RULE_WORDS[limit.rule]}</h2>
        <span className={`badge ${tone}`}>{TONE_WORDS[tone]}</span>
      </header>
      <p className="amount">
        {amountText(limit.room)} <span className="of">left above the floor</span>
      </p>
      <Bar percentage={limit.usedPercentage} tone={tone} words={`${limit.usedPercentage} % of the limit is used`} />
      <p className="detail">
        <span>
          {limit.usedPercentage} % of {amountText(limit.allowed)} used
        </span>
        <span>
          floor {amountText(limit.floor)} (−{limit.limitPercentage} %)
        </span>
      </p>
      {resetsAt !== null && (
        <p className="detail reset">
          <span>
            New day in <span className="clock">{countdown(Date.parse(resetsAt), nowMs)}</span>
          </span>
          <span>
            {utcText(resetsAt)}, {clockText(resetsAt).slice(0, 5)} your time
          </span>
        </p>
      )}
    </section>
  );
}
