import { Money, compareCursors, type ChallengeState, type Cursor, type EquityFields } from '@tradesense/contracts';

/** What the page draws: floors, days and progress from the latest state, equity from the latest event. */
export interface Picture {
  readonly state: ChallengeState;
  readonly equity: EquityFields;
}

/** A live challenge's figures, and its cursor: the last event they contain. */
export interface Figures {
  readonly snapshot: ChallengeState | null;
  readonly equityData: EquityFields | null;
  readonly cursor: Cursor | null;
}

/**
 * Events move equity; floors come with states. Of two states the later one counts, and of two for the same event the one the
 * trade API gave, which is rolled to now. Equity stays what was received live, except that a rolled day has its own start.
 */
export function pictureOf({ snapshot, equityData, cursor }: Figures, view: ChallengeState | null): Picture | null {
  if (snapshot === null || equityData === null) return null;
  if (view === null || view.challenge_id !== snapshot.challenge_id || compareCursors(view, snapshot) < 0)
    return { state: snapshot, equity: equityData };
  const isSameEvent = cursor !== null && compareCursors(view, cursor) === 0;
  return { state: view, equity: isSameEvent ? view.equity : equityData };
}

/**
 * Why the state at hand may no longer tell the floors and days, or null. Floors move at the day roll and, where they trail, at a
 * new peak; days count up with a day's first trade. Another reason is another text, so that each is asked for once.
 */
export function whyOutdated({ state, equity }: Picture, nowMs: number): string | null {
  const { day, equity: then } = state;
  if (nowMs >= Date.parse(day.ends_at)) return `day over ${day.ends_at}`;
  if (Money.of(equity.max_equity_ever) > Money.of(then.max_equity_ever)) return `peak ${equity.max_equity_ever}`;
  const hadTraded = then.last_trade_at !== null && Date.parse(then.last_trade_at) >= Date.parse(day.starts_at);
  return equity.total_trades > then.total_trades && !hadTraded ? `first trade ${day.date}` : null;
}

/** Closed result: what closed trades made of the balance since the state. */
export const balanceNow = ({ state, equity }: Picture): string =>
  Money.format(
    Money.plus(Money.of(state.balance), Money.minus(Money.of(equity.total_pnl), Money.of(state.equity.total_pnl))),
  );
