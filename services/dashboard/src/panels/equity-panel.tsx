import type { ChallengeState, EquityFields } from '@tradesense/contracts';

import { amountText, directionOf, minus, signedText } from '../format/money.js';

const ARROW = { up: '▲', down: '▼', flat: '■' } as const;

function Result({ label, amount }: { readonly label: string; readonly amount: string }) {
  const direction = directionOf(amount);
  return (
    <div>
      <dt>{label}</dt>
      <dd className={direction}>
        <span aria-hidden="true">{ARROW[direction]}</span> {signedText(amount)}
      </dd>
    </div>
  );
}

/** Equity, and what today and the whole challenge have brought. */
export function EquityPanel({
  state,
  equity,
}: {
  readonly state: ChallengeState | null;
  readonly equity: EquityFields | null;
}) {
  if (state === null || equity === null)
    return <div className="equity-figures empty">Waiting for the first figures…</div>;
  return (
    <div className="equity-figures">
      <p className="equity">
        <span className="label">Equity</span>
        <output data-testid="equity" aria-live="off">
          {amountText(equity.current_equity)}
        </output>
      </p>
      <dl>
        <Result label="Today" amount={minus(equity.current_equity, equity.daily_start_equity)} />
        <Result label="In all" amount={equity.total_pnl} />
        <div>
          <dt>Highest ever</dt>
          <dd>{amountText(equity.max_equity_ever)}</dd>
        </div>
        <div>
          <dt>Trades</dt>
          <dd>{equity.total_trades}</dd>
        </div>
      </dl>
    </div>
  );
}
