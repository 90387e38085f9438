import type { TargetNow } from '../format/limits.js';
import { amountText } from '../format/money.js';
import { Bar } from './bar.js';

/** How far the profit target is; null before the first figures. */
export function TargetPanel({ target }: { readonly target: TargetNow | null }) {
  return (
    <section className="card target">
      <header>
        <h2>Profit target</h2>
        <span className="badge goal">{target !== null && `${target.progressPercentage} %`}</span>
      </header>
      <p className="amount">
        {target === null ? '–' : amountText(target.missing)} <span className="of">to go</span>
      </p>
      <Bar
        percentage={target?.progressPercentage ?? '0'}
        tone="goal"
        words={target === null ? 'Not known yet' : `${target.progressPercentage} % of the way to the target`}
      />
      <p className="detail">
        <span>{target === null ? '–' : `Passed at ${amountText(target.equity)}`}</span>
      </p>
    </section>
  );
}
