import type { ChallengeState, Status } from '@tradesense/contracts';

import { amountText } from '../format/money.js';
import { STATUS_WORDS } from '../format/words.js';

const tradingDays = ({ done, needed }: ChallengeState['trading_days']): string =>
  needed === 0 ? `${done}, none needed` : `${done} of ${needed} needed`;

/** Whose challenge, by which rules, where in its life. */
export function AccountLine({
  state,
  status,
}: {
  readonly state: ChallengeState | null;
  readonly status: Status | null;
}) {
  return (
    <section className="account" aria-label="Account">
      <dl>
        <div>
          <dt>Programme</dt>
          <dd>{state === null ? '–' : `${state.program.id}, version ${state.program.version}`}</dd>
        </div>
        <div>
          <dt>Phase</dt>
          <dd>{state?.phase ?? '–'}</dd>
        </div>
        <div>
          <dt>Account size</dt>
          <dd>{state === null ? '–' : amountText(state.initial_balance)}</dd>
        </div>
        <div>
          <dt>Trading days</dt>
          <dd>{state === null ? '–' : tradingDays(state.trading_days)}</dd>
        </div>
        <div>
          <dt>Status</dt>
          <dd>
            {status === null ? (
              '–'
            ) : (
              <span className={`status status-${status.toLowerCase()}`}>{STATUS_WORDS[status]}</span>
            )}
          </dd>
        </div>
      </dl>
    </section>
  );
}
