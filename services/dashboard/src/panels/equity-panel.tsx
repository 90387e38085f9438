import { balanceNow, type Picture } from '../format/picture.js';
import { amountText, directionOf, minus, signedText } from '../format/money.js';

const WORD = { up: 'profit', down: 'loss', flat: 'even' } as const;
const ARROW = { up: '▲', down: '▼', flat: '■' } as const;

function Result({ label, amount }: { readonly label: string; readonly amount: string | undefined }) {
  if (amount === undefined) return <Fact label={label} value={undefined} />;
  const direction = directionOf(amount);
  return (
    <div>
      <dt>{label}</dt>
      <dd className={direction}>
        <span aria-hidden="true">{ARROW[direction]}</span> {signedText(amount)} <small>{WORD[direction]}</small>
      </dd>
    </div>
  );
}

const Fact = ({ label, value }: { readonly label: string; readonly value: string | undefined }) => (
  <div>
    <dt>{label}</dt>
    <dd>{value ?? '–'}</dd>
  </div>
);

/** Equity and balance, and what today and the whole challenge have brought; null before the first figures. */
export function EquityPanel({ picture }: { readonly picture: Picture | null }) {
  const equity = picture?.equity;
  return (
    <div className="equity-figures">
      <p className="equity">
        <span className="label">Equity</span>
        <output data-testid="equity" aria-live="off">
          {equity === undefined ? '–' : amountText(equity.current_equity)}
        </output>
      </p>
      <dl>
        <Result label="Today" amount={equity && minus(equity.current_equity, equity.daily_start_equity)} />
        <Result label="In all" amount={equity?.total_pnl} />
        <Fact label="Balance" value={picture === null ? undefined : amountText(balanceNow(picture))} />
        <Fact label="Highest ever" value={equity && amountText(equity.max_equity_ever)} />
      </dl>
    </div>
  );
}
