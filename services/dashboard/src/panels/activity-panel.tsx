import { amountText, directionOf, signedText } from '../format/money.js';
import { clockText } from '../format/time.js';

export interface Trade {
  readonly eventId: string;
  readonly at: string;
  readonly symbol: string;
  readonly pnl: string;
  readonly equity: string;
}

/** The last trades this page saw, newest first. */
export function ActivityPanel({ trades }: { readonly trades: readonly Trade[] }) {
  return (
    <section className="card activity">
      <header>
        <h2>Latest trades</h2>
      </header>
      {trades.length === 0 ? (
        <p className="nothing">Trades appear here as they are booked.</p>
      ) : (
        <div className="scroll" tabIndex={0} role="region" aria-label="Latest trades">
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Symbol</th>
                <th scope="col" className="number">
                  Result
                </th>
                <th scope="col" className="number">
                  Equity
                </th>
              </tr>
            </thead>
            <tbody>
              {trades.map((trade) => (
                <tr key={trade.eventId}>
                  <td>{clockText(trade.at)}</td>
                  <td>{trade.symbol}</td>
                  <td className={`number ${directionOf(trade.pnl)}`}>{signedText(trade.pnl)}</td>
                  <td className="number">{amountText(trade.equity)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
