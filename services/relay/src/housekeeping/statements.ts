import type { Statement } from '../database/index.js';

/** What a step did; `done` says that there is nothing left to do, `busy` that a lock was not to be had within 200 ms. */
export type Outcome = 'done' | 'busy' | 'made' | 'bound' | 'validated' | 'unbound' | 'emptied' | 'dropped';
export interface StepRow {
  readonly outcome: Outcome;
  readonly range: string | null;
}

export const makeRange = (ahead: number, rows: number): Statement => ({
  text: `select outcome, range from outbox_make_range($1, $2)`,
  values: [ahead, rows],
});

export const emptyRange = (retentionMs: number): Statement => ({
  text: `select outcome, range from outbox_empty_range($1 * interval '1 millisecond')`,
  values: [retentionMs],
});

export const dropRange: Statement = { text: `select outcome, range from outbox_drop_range()` };

export const readStanding: Statement = {
  text: `select ranges_ahead, default_rows, bytes from outbox_standing()`,
};
export interface StandingRow {
  readonly ranges_ahead: number;
  readonly default_rows: number;
  readonly bytes: string;
}
