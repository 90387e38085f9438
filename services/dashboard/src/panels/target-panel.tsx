import type { TargetNow } from '../format/limits.js';
import { amountText } from '../format/money.js';
import { Bar } from './bar.js';

/** How far the profit target is. */
export function TargetPanel({ target }: { readonly target: TargetNow }) {
  return (
    <section className="card target">
      <header>
        <h2>Profit target</h2>
        <span className="badge goal">{target.progressPercentage} %</span>
      </header>
      <p className="amount">
        {amountText(target.missing)} <span className="of">to go</span>
      </p>
      <Bar
        percentage={target.progressPercentage}
        tone="goal"
        words={`${target.progressPercentage} % of the way to the target`}
      />
      <p className="detail">
        <span>funded at {amountText(target.equity)}</span>
      </p>
    </section>
  );
}
