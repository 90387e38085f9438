import type { ChallengeView } from '@tradesense/client';
import type { ReactNode } from 'react';

import { limitNow, targetNow } from '../format/limits.js';
import { amountText } from '../format/money.js';
import { AccountLine } from '../panels/account-line.js';
import { ActivityPanel, type Trade } from '../panels/activity-panel.js';
import { AlertsPanel } from '../panels/alerts-panel.js';
import { Announcer } from '../panels/announcer.js';
import { ConnectionState } from '../panels/connection-state.js';
import { EquityChart, type Level, type Point } from '../panels/equity-chart.js';
import { EquityPanel } from '../panels/equity-panel.js';
import { LimitPanel } from '../panels/limit-panel.js';
import { OutcomeBanner } from '../panels/outcome-banner.js';
import { TargetPanel } from '../panels/target-panel.js';
import { Brand } from './brand.js';

export type Shown = Pick<
  ChallengeView,
  'connection' | 'snapshot' | 'equityData' | 'statusData' | 'riskAlerts' | 'isStale' | 'asOf' | 'error'
>;

interface Props {
  readonly shown: Shown;
  readonly points: readonly Point[];
  readonly trades: readonly Trade[];
  readonly nowMs: number;
  readonly notice?: string | null;
  readonly onClear: () => void;
  readonly onRefresh: () => void;
  readonly actions?: ReactNode;
}

const FLOOR_NAMES = { DAILY_LOSS: 'day floor', TOTAL_LOSS: 'total floor' } as const;

/** Everything a trader sees of one challenge. It only shows: what it shows comes as arguments. */
export function Board({ shown, points, trades, nowMs, notice = null, onClear, onRefresh, actions }: Props) {
  const { connection, snapshot, equityData, statusData, riskAlerts, isStale, asOf, error } = shown;
  const isDenied = connection.is === 'denied';
  const limits =
    snapshot === null || equityData === null
      ? []
      : snapshot.limits.map((limit) => limitNow(limit, snapshot, equityData));
  const target = snapshot === null || equityData === null ? null : targetNow(snapshot, equityData);
  const levels: Level[] = limits.map(({ rule, floor }) => ({ name: FLOOR_NAMES[rule], amount: floor, kind: 'floor' }));
  if (target !== null) levels.push({ name: 'target', amount: target.equity, kind: 'target' });
  const summary =
    equityData === null
      ? 'No equity yet.'
      : `Equity ${amountText(equityData.current_equity)}; today between ${amountText(equityData.daily_min_equity)} and ${amountText(equityData.daily_max_equity)}.`;

  return (
    <div className={isStale ? 'board is-stale' : 'board'}>
      <header className="top">
        <Brand />
        <ConnectionState connection={connection} asOf={asOf} nowMs={nowMs} />
        <div className="actions">
          <button type="button" onClick={onRefresh}>
            Refresh
          </button>
          {actions}
        </div>
      </header>
      <main>
        {error !== null && !isDenied && (
          <p className="trouble" role="status">
            {error.message}
            {error.retryable && '. Trying again by itself.'}
          </p>
        )}
        {isDenied ? (
          <section className="card denied" role="alert">
            <h1>Access denied</h1>
            <p>This token does not open this challenge. Check the link, or sign in with another token.</p>
          </section>
        ) : (
          <>
            {snapshot !== null && equityData !== null && (
              <OutcomeBanner state={snapshot} change={statusData} limits={limits} equity={equityData.current_equity} />
            )}
            <AccountLine state={snapshot} status={statusData?.new_status ?? snapshot?.status ?? null} />
            <div className="columns">
              <section className="card main-figures" aria-label="Equity">
                <EquityPanel state={snapshot} equity={equityData} />
                <EquityChart points={points} levels={levels} summary={summary} />
                <p className="notice" role="status">
                  {notice}
                </p>
              </section>
              <div className="side">
                {limits.map((limit) => (
                  <LimitPanel
                    key={limit.rule}
                    limit={limit}
                    resetsAt={limit.rule === 'DAILY_LOSS' ? (snapshot?.day.ends_at ?? null) : null}
                    nowMs={nowMs}
                  />
                ))}
                {target !== null && <TargetPanel target={target} />}
              </div>
            </div>
            <div className="columns lower">
              <ActivityPanel trades={trades} />
              <AlertsPanel alerts={riskAlerts} onClear={onClear} />
            </div>
          </>
        )}
      </main>
      <Announcer alerts={riskAlerts} />
    </div>
  );
}
