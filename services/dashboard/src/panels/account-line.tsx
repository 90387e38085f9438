import type { ChallengeState, Status } from '@tradesense/contracts';

import type { Picture } from '../format/picture.js';
import { amountText } from '../format/money.js';
import { STATUS_WORDS } from '../format/words.js';

const tradingDays = ({ done, needed }: ChallengeState['trading_days']): string =>
  needed === 0 ? `${done} (none required)` : `${done} of ${needed}`;

interface Props {
  readonly picture: Picture | null;
  readonly status: Status | null;
}

/** By which rules, where in its life. */
export function AccountLine({ picture, status }: Props) {
  const state = picture?.state ?? null;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Programme', state === null ? undefined : `${state.program.id} · version ${state.program.version}`],
    ['Phase', state === null ? undefined : String(state.phase)],
    ['Account size', state === null ? undefined : amountText(state.initial_balance)],
    ['Trading days', state === null ? undefined : tradingDays(state.trading_days)],
    ['Trades', picture === null ? undefined : String(picture.equity.total_trades)],
  ];
  return (
    <dl className="card account">
      <div>
        <dt>Status</dt>
        <dd>
          {status === null ? '–' : <span className={`status ${status.toLowerCase()}`}>{STATUS_WORDS[status]}</span>}
        </dd>
      </div>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value ?? '–'}</dd>
        </div>
      ))}
    </dl>
  );
}
