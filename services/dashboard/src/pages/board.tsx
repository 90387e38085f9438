import type { ChallengeView } from '@tradesense/client';
import { LIMIT_RULES, type ChallengeState } from '@tradesense/contracts';
import type { ReactNode } from 'react';

import { limitNow, targetNow } from '../format/limits.js';
import { amountText } from '../format/money.js';
import { pictureOf, type Picture } from '../format/picture.js';
import { FLOOR_WORDS } from '../format/words.js';
import { AccountLine } from '../panels/account-line.js';
import { ActivityPanel } from '../panels/activity-panel.js';
import { AlertsPanel } from '../panels/alerts-panel.js';
import { Announcer } from '../panels/announcer.js';
import { ConnectionState } from '../panels/connection-state.js';
import { EquityChart, type Level } from '../panels/equity-chart.js';
import { EquityPanel } from '../panels/equity-panel.js';
import { LimitPanel } from '../panels/limit-panel.js';
import { OutcomeBanner, type Outcome } from '../panels/outcome-banner.js';
import { TargetPanel } from '../panels/target-panel.js';
import { Brand } from './brand.js';
import type { Session } from './session.js';

export type Shown = Omit<ChallengeView, 'isConnected'>;

interface Props {
  readonly shown: Shown;
  /** The trade API's, where the events could not tell everything. */
  readonly view?: ChallengeState | null;
  readonly session: Session;
  readonly nowMs: number;
  readonly notice?: string | null;
  readonly onClear: () => void;
  readonly onRefresh: () => void;
  readonly onSignOut: () => void;
}

/** Everything a trader sees of one challenge. It only shows: what it shows comes as arguments. */
export function Board({ shown, view = null, session, nowMs, notice = null, onClear, onRefresh, onSignOut }: Props) {
  const { connection, riskAlerts, isStale, asOf, error } = shown;
  const isShut = connection.is === 'denied' || connection.is === 'closed';
  return (
    <div className={isStale ? 'board is-stale' : 'board'}>
      <header className="top">
        <Brand />
        <ConnectionState connection={connection} asOf={asOf} error={error} nowMs={nowMs} />
        <div className="actions">
          <button type="button" onClick={onRefresh}>
            Refresh
          </button>
          <button type="button" onClick={onSignOut}>
            Sign out
          </button>
        </div>
      </header>
      <div className="content">
        {isShut && <Shut isDenied={connection.is === 'denied'} onSignOut={onSignOut} />}
        {connection.is !== 'denied' && (
          <Figures
            {...{ shown, session, nowMs, notice, onClear }}
            picture={pictureOf(shown, view)}
            outcome={outcomeOf(shown)}
          />
        )}
      </div>
      <Announcer alerts={riskAlerts} />
    </div>
  );
}

function Shut({ isDenied, onSignOut }: { readonly isDenied: boolean; readonly onSignOut: () => void }): ReactNode {
  return (
    <section className="card shut" role="alert">
      <h2>{isDenied ? 'Access denied' : 'Your token has expired'}</h2>
      <p>
        {isDenied
          ? 'This token does not open this challenge. Check the link, or sign in with another token.'
          : 'The figures below stand still. Sign in with a new token to go on.'}
      </p>
      <button type="button" onClick={onSignOut}>
        Sign in
      </button>
    </section>
  );
}

/** The last change that was seen happening, or what the state says where none was. */
function outcomeOf({ snapshot, statusData }: Shown): Outcome | null {
  if (statusData !== null)
    return { status: statusData.new_status, reason: statusData.reason, at: statusData.changed_at };
  return snapshot === null ? null : { status: snapshot.status, reason: snapshot.status_reason, at: snapshot.closed_at };
}

interface FiguresProps extends Pick<Props, 'shown' | 'session' | 'nowMs' | 'notice' | 'onClear'> {
  readonly picture: Picture | null;
  readonly outcome: Outcome | null;
}

function Figures({ shown, picture, outcome, session, nowMs, notice, onClear }: FiguresProps): ReactNode {
  const limits = picture === null ? [] : picture.state.limits.map((limit) => limitNow(limit, picture));
  const target = picture === null ? null : targetNow(picture);
  const levels: Level[] = limits.map(({ rule, floor }) => ({ name: FLOOR_WORDS[rule], amount: floor, kind: 'floor' }));
  if (target !== null) levels.push({ name: 'target', amount: target.equity, kind: 'target' });
  const rules = picture === null ? LIMIT_RULES : limits.map(({ rule }) => rule);
  return (
    <>
      {picture !== null && outcome !== null && (
        <OutcomeBanner outcome={outcome} limits={limits} equity={picture.equity.current_equity} />
      )}
      <AccountLine picture={picture} status={outcome?.status ?? null} />
      <section className="card main-figures">
        <h2 className="visually-hidden">Equity</h2>
        <EquityPanel picture={picture} />
        <EquityChart points={session.points} levels={levels} summary={summaryOf(picture)} />
        <p className="notice" role="status">
          {notice}
        </p>
      </section>
      <div className="side">
        {rules.map((rule) => (
          <LimitPanel
            key={rule}
            rule={rule}
            limit={limits.find((limit) => limit.rule === rule) ?? null}
            resetsAt={rule === 'DAILY_LOSS' ? (picture?.state.day.ends_at ?? null) : undefined}
            nowMs={nowMs}
          />
        ))}
        {(picture === null || target !== null) && <TargetPanel target={target} />}
      </div>
      <AlertsPanel alerts={shown.riskAlerts} onClear={onClear} />
      <ActivityPanel entries={session.entries} />
    </>
  );
}

/** The chart in words, for those who don't see it. */
const summaryOf = (picture: Picture | null): string =>
  picture === null
    ? 'No equity yet.'
    : `Equity ${amountText(picture.equity.current_equity)}; today between ${amountText(picture.equity.daily_min_equity)} and ${amountText(picture.equity.daily_max_equity)}.`;
