import { Money, type LimitRule } from '@tradesense/contracts';

import type { LimitNow } from '../format/limits.js';
import { amountText } from '../format/money.js';
import { clockText, countdown, utcText } from '../format/time.js';
import { RULE_WORDS } from '../format/words.js';
import { Bar, type Tone } from './bar.js';

interface Props {
  readonly rule: LimitRule;
  /** Null before the first figures: the panel keeps its place. */
  readonly limit: LimitNow | null;
  /** When the limit starts anew; undefined for one that does not. */
  readonly resetsAt: string | null | undefined;
  readonly nowMs: number;
}

const NEAR = Money.of('80.00');

function toneOf(limit: LimitNow | null): Tone {
  if (limit === null) return 'none';
  if (limit.breached) return 'danger';
  return Money.of(limit.usedPercentage) >= NEAR ? 'warning' : 'calm';
}

const TONE_WORDS: Readonly<Record<Tone, string>> = {
  none: '',
  calm: 'Within limit',
  warning: '! Close to limit',
  danger: '✕ Limit breached',
  goal: '',
};

/** What may still be lost before a limit is breached, and where its floor lies. */
export function LimitPanel({ rule, limit, resetsAt, nowMs }: Props) {
  const tone = toneOf(limit);
  return (
    <section className="card limit" data-rule={rule}>
      <header>
        <h2>{RULE_WORDS[rule]}</h2>
        <span className={`badge ${tone}`}>{TONE_WORDS[tone]}</span>
      </header>
      <p className="amount">
        {limit === null ? '–' : amountText(limit.room)} <span className="of">left above the floor</span>
      </p>
      <Bar
        percentage={limit?.usedPercentage ?? '0'}
        tone={tone}
        words={limit === null ? 'Not known yet' : `${limit.usedPercentage} % of the limit is used`}
      />
      <p className="detail">
        <span>{limit === null ? '–' : `${limit.usedPercentage} % of ${amountText(limit.allowed)} used`}</span>
        <span>{limit !== null && `Floor ${amountText(limit.floor)} (−${limit.limitPercentage} %)`}</span>
      </p>
      {resetsAt !== undefined && <Reset at={resetsAt} nowMs={nowMs} />}
    </section>
  );
}

function Reset({ at, nowMs }: { readonly at: string | null; readonly nowMs: number }) {
  const isOver = at !== null && nowMs >= Date.parse(at);
  return (
    <p className="detail">
      <span>
        {isOver ? 'The day is over: new limits follow' : 'Resets in '}
        {!isOver && <span className="clock">{at === null ? '–' : countdown(Date.parse(at), nowMs)}</span>}
      </span>
      <span>{at !== null && `${utcText(at)}, ${clockText(at).slice(0, 5)} your time`}</span>
    </p>
  );
}
