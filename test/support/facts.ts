import { randomUUID } from 'node:crypto';

import {
  STATE_TYPE,
  headersOf,
  type ChallengeId,
  type ChallengeState,
  type Cursor,
  type EquityUpdated,
  type EventBodies,
  type EventType,
  type RiskAlert,
  type UserId,
} from '@tradesense/contracts';
import type { OutgoingRecord } from '@tradesense/kafka';

/** Events and states as the relay publishes them, with telling defaults: a test names only what it is about. */
export interface Fact {
  readonly challengeId: ChallengeId;
  readonly userId: UserId;
  readonly type: EventType | typeof STATE_TYPE;
  readonly at: Cursor;
  readonly body: object;
}

export const EPOCH = 1_764_000_000;
const MOMENT = '2026-11-25T10:00:00Z';
const id = (): string => randomUUID();
export const aChallengeId = (): ChallengeId => id() as ChallengeId;
export const aUserId = (): UserId => `trader-${id().slice(0, 8)}` as UserId;

/** One challenge's history, written event by event; figures are such that each differs from the one before. */
export class History {
  #at: Cursor;

  constructor(
    readonly challengeId: ChallengeId = aChallengeId(),
    public userId: UserId = aUserId(),
    epoch = EPOCH,
  ) {
    this.#at = { epoch, sequence: 0 };
  }

  get cursor(): Cursor {
    return this.#at;
  }

  /** History was rewound: sequences begin again. */
  rewind(): void {
    this.#at = { epoch: this.#at.epoch + 1, sequence: 0 };
  }

  equity(): Fact {
    return this.#event('EQUITY_UPDATED', { ...this.#figures() });
  }

  alert(): Fact {
    return this.#event('RISK_ALERT', this.#alertBody());
  }

  status(): Fact {
    const { challengeId } = this;
    const change = { old_status: 'ACTIVE', new_status: 'FAILED', reason: 'DAILY_LOSS', changed_at: MOMENT } as const;
    return this.#event('CHALLENGE_STATUS_CHANGED', { challenge_id: challengeId, ...change });
  }

  /** It is somebody else's from this event on. */
  ownerChanged(userId: UserId): Fact {
    this.userId = userId;
    const { challengeId } = this;
    const at = { epoch: this.#at.epoch, sequence: this.#at.sequence + 1 };
    const state = { ...(this.state().body as ChallengeState), ...at };
    const change = { reason: 'OWNER_CHANGED', state, changed_at: MOMENT } as const;
    return this.#event('CHALLENGE_UPDATED', { challenge_id: challengeId, user_id: userId, ...change });
  }

  /** The state as of the last event. */
  state(): Fact {
    const { challengeId, userId } = this;
    const state: ChallengeState = {
      challenge_id: challengeId,
      user_id: userId,
      ...this.#at,
      event_id: id(),
      program: { id: 'seed', version: 1 },
      phase: 1,
      status: 'ACTIVE',
      status_reason: null,
      initial_balance: '10000.00',
      balance: this.#figures().current_equity,
      created_at: MOMENT,
      closed_at: null,
      previous_challenge_id: null,
      equity: this.#figures(),
      day: { date: '2026-11-25', starts_at: '2026-11-25T00:00:00Z', ends_at: '2026-11-26T00:00:00Z' },
      limits: [],
      target: null,
      trading_days: { done: 0, needed: 0 },
      open_alerts: [],
    };
    return { challengeId, userId, type: STATE_TYPE, at: this.#at, body: state };
  }

  #event<Type extends EventType>(type: Type, body: Omit<EventBodies[Type], 'event_id' | 'epoch' | 'sequence'>): Fact {
    const { challengeId, userId } = this;
    this.#at = { epoch: this.#at.epoch, sequence: this.#at.sequence + 1 };
    // The figures of an equity update are those of its own sequence.
    const figures = type === 'EQUITY_UPDATED' ? this.#figures() : {};
    return { challengeId, userId, type, at: this.#at, body: { ...body, ...figures, event_id: id(), ...this.#at } };
  }

  #figures(): Omit<EquityUpdated, 'event_id' | 'epoch' | 'sequence'> {
    const equity = `${10_000 + (this.#at.sequence % 90_000)}.00`;
    return {
      challenge_id: this.challengeId,
      user_id: this.userId,
      previous_equity: '10000.00',
      current_equity: equity,
      max_equity_ever: equity,
      daily_start_equity: '10000.00',
      daily_max_equity: equity,
      daily_min_equity: '10000.00',
      total_pnl: `${this.#at.sequence % 90_000}.00`,
      total_trades: this.#at.sequence,
      last_trade_at: MOMENT,
      trade_pnl: '1.00',
      trade_symbol: 'EURUSD',
      executed_at: MOMENT,
    };
  }

  #alertBody(): Omit<RiskAlert, 'event_id' | 'epoch' | 'sequence'> {
    return {
      challenge_id: this.challengeId,
      user_id: this.userId,
      alert_type: 'HIGH_DAILY_DRAWDOWN',
      severity: 'MEDIUM',
      title: 'High Daily Drawdown Warning',
      message: 'Daily drawdown at 4.50% (limit: 5.00%)',
      current_equity: '9550.00',
      daily_start_equity: '10000.00',
      drawdown_percentage: '4.50',
      threshold_percentage: '5.00',
      alert_timestamp: MOMENT,
    };
  }
}

let position = 0;

/** The Kafka record that carries a fact, as the relay would write it. */
export function recordOf(
  { challengeId, userId, type, at, body }: Fact,
  committedAtMs = Date.now(),
): OutgoingRecord & { readonly value: Buffer } {
  position += 1;
  return {
    key: challengeId,
    value: Buffer.from(JSON.stringify(body)),
    headers: headersOf({
      id: id(),
      type,
      time: new Date(committedAtMs).toISOString().replace('Z', '000Z'),
      epoch: String(at.epoch),
      sequence: String(at.sequence),
      position: String(position),
      userId,
      traceparent: null,
    }),
  };
}
