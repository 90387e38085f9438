import type { RiskAlert } from '@tradesense/contracts';

import { amountText } from '../format/money.js';
import { clockText } from '../format/time.js';
import { ALERT_WORDS } from '../format/words.js';

/** Risk alerts, newest first. Clearing is this page's own: the alerts stay what they are. */
export function AlertsPanel({
  alerts,
  onClear,
}: {
  readonly alerts: readonly RiskAlert[];
  readonly onClear: () => void;
}) {
  return (
    <section className="card alerts">
      <header>
        <h2>Alerts</h2>
        {alerts.length > 0 && (
          <button type="button" onClick={onClear}>
            Clear
          </button>
        )}
      </header>
      {alerts.length === 0 ? (
        <p className="nothing">No alerts. You are warned before a limit is reached.</p>
      ) : (
        <ol tabIndex={0} aria-label="Alerts, newest first">
          {alerts.map((alert) => (
            <li key={alert.event_id}>
              <p>
                <span className="severity">! {alert.severity.toLowerCase()}</span>
                <strong>{ALERT_WORDS[alert.alert_type]}</strong>
                <time dateTime={alert.alert_timestamp}>{clockText(alert.alert_timestamp)}</time>
              </p>
              <p>
                {alert.drawdown_percentage} % down, limit {alert.threshold_percentage} %, equity{' '}
                {amountText(alert.current_equity)}
              </p>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
