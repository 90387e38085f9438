import { amountText, directionOf, signedText } from '../format/money.js';
import { clockText } from '../format/time.js';

/** One line of the session's log. */
export interface Entry {
  readonly key: string;
  readonly kind: 'trade' | 'alert' | 'status' | 'update';
  readonly at: string;
  readonly what: string;
  readonly result: string | null;
  readonly equity: string | null;
}

const MARK = { trade: '', alert: '! ', status: '◆ ', update: '↺ ' } as const;

/** What this page saw happen, newest first. */
export function ActivityPanel({ entries }: { readonly entries: readonly Entry[] }) {
  return (
    <section className="card activity">
      <header>
        <h2>Trades and events of this session</h2>
      </header>
      {entries.length === 0 ? (
        <p className="nothing">Trades appear here as they are booked.</p>
      ) : (
        <div className="scroll" tabIndex={0} role="group" aria-label="Trades and events, newest first">
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">What</th>
                <th scope="col" className="number">
                  Result
                </th>
                <th scope="col" className="number">
                  Equity
                </th>
              </tr>
            </thead>
            <tbody>
              {entries.map(({ key, kind, at, what, result, equity }) => (
                <tr key={key} className={kind}>
                  <td>{clockText(at)}</td>
                  <td colSpan={result === null ? 2 : 1}>
                    {MARK[kind]}
                    {what}
                  </td>
                  {result !== null && <td className={`number ${directionOf(result)}`}>{signedText(result)}</td>}
                  <td className="number">{equity === null ? '' : amountText(equity)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
