import {
  SOCKET_EVENT,
  isBeyond,
  type Answer,
  type Bridge,
  type ChallengeState,
  type Cursor,
  type EventType,
  type Freshness,
  type JoinChallenge,
  type JoinedChallenge,
  type Snapshot,
} from '@tradesense/contracts';

import { fullJitterMs } from '../connection/backoff.js';
import type { Connection, Member } from '../connection/connection.js';
import type { Cancel, Environment } from '../environment.js';
import { gatewayFault, type ClientFault } from '../fault.js';
import { asOfAt, type Heard } from './as-of.js';
import { NOTHING, afterEvent, afterSnapshot, type ChallengeEvent, type Figures } from './figures.js';
import { judge, isTaken } from './rule.js';
import { viewOf, type ChallengeView, type Connection as ConnectionState, type StaleReason } from './view.js';

/**
 * One challenge as its page sees it: the state machine of design 11 around the client's rule (./rule.ts).
 *
 * The connection tells when a socket opens and when it is lost; the gateway answers a join with `joined_challenge`, then says
 * whether the room is live. The machine is live only if all of these hold, and `#settle` is the one place that decides it:
 *   - the join is answered and none is under way because something is missing;
 *   - the gateway calls the room live;
 *   - the cursor has reached what the gateway knew at the join: until the last recovered frame is here, it is catching up.
 *
 * Whatever happens, the figures stay, marked as not live, but for two cases: access was denied, or the user changed.
 */
type Join =
  | { readonly is: 'none' }
  /** Asked when the time is over. */
  | { readonly is: 'waiting'; readonly because: Because; readonly cancel: Cancel }
  | { readonly is: 'asked'; readonly because: Because; readonly cancel: Cancel };

/** What makes the figures doubtful until the join is answered; null when nothing does. */
type Because = 'gap' | 'asleep' | null;

export interface EventListener {
  /** @param isPast it came before the snapshot, because `history` was asked for: it moves no figure */
  (event: ChallengeEvent, isPast: boolean): void;
}

export interface ChallengeOptions {
  /** Ask for at most this many events (<= 200) from before the first join; they reach event listeners only. */
  readonly history?: number;
}

const ANSWER_LIMIT_MS = 10_000;
/** After a sleep the socket is probably dead. */
const PROBE_LIMIT_MS = 3_000;
/** Right after its creation a challenge may not have reached the gateway (design 8.3). */
const FIRST_FORBIDDEN_WAIT_MS = 5_000;
const REFRESH_LIMIT_MS = 15_000;

const EVENT_TYPES = new Map<string, EventType>(
  Object.entries(SOCKET_EVENT).map(([type, name]) => [name, type as EventType]),
);

export class LiveChallenge implements Member {
  readonly #listeners = new Set<() => void>();
  readonly #eventListeners = new Set<EventListener>();
  readonly #waiters = new Set<(isCurrent: boolean) => void>();
  #state: ConnectionState;
  #figures: Figures = NOTHING;
  #cursor: Cursor | null = null;
  #clearedTo: Cursor | null = null;
  #error: ClientFault | null = null;
  #asOf: string | null = null;
  #view: ChallengeView;

  /** Answered since the socket opened. */
  #isJoined = false;
  #join: Join = { is: 'none' };
  #heard: Heard | undefined;
  #target: Cursor | null = null;
  #forbidden = 0;
  /** Joins for a gap since an event or a snapshot was last taken: slows down in a room that can't be continued. */
  #fruitless = 0;
  /** Of the history that was asked for: the last event told, and the snapshot where it ends. */
  #past: { readonly told: Cursor; readonly end: Cursor } | undefined;
  #lostAtMs: number | null = null;

  constructor(
    readonly challengeId: string,
    private readonly connection: Connection,
    private readonly environment: Environment,
    private readonly options: ChallengeOptions = {},
  ) {
    this.#state = { is: 'connecting', attempt: 0, sinceMs: environment.now() };
    this.#view = this.#viewNow();
  }

  get view(): ChallengeView {
    return this.#view;
  }

  subscribe(listener: () => void): Cancel {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  onEvent(listener: EventListener): Cancel {
    this.#eventListeners.add(listener);
    return () => void this.#eventListeners.delete(listener);
  }

  /** Nobody looks any more: whoever waits is told, nothing is sent but a farewell. */
  release(): void {
    this.#endJoin();
    if (this.#isJoined) this.connection.send('leave_challenge', { challenge_id: this.challengeId }, () => undefined);
    this.connection.detach(this.challengeId);
    this.#answerWaiters(false);
  }

  /**
   * Joins again from the cursor, so that whatever is missing comes. Also a person's way to try once more after a denial or
   * while waiting for the network.
   * @returns whether the figures are current now; false when that can't be had within 15 s
   */
  refresh(): Promise<boolean> {
    return new Promise((resolve) => {
      const give = (isCurrent: boolean): void => {
        cancel();
        this.#waiters.delete(give);
        resolve(isCurrent);
      };
      const cancel = this.environment.after(REFRESH_LIMIT_MS, () => give(false));
      this.#waiters.add(give);
      this.triedAgain();
      if (this.connection.isOpen) this.#askToJoin(null);
      else this.connection.retry();
    });
  }

  clearAlerts(): void {
    this.#clearedTo = this.#cursor;
    if (this.#figures.riskAlerts.length === 0) return;
    this.#figures = { ...this.#figures, riskAlerts: [] };
    this.#publish();
  }

  // What the connection tells.

  opened(): void {
    if (this.#state.is === 'denied') return;
    this.#become({ is: 'joining', sinceMs: this.#notLiveSinceMs() });
    this.#askToJoin(null);
    this.#publish();
  }

  lost(fault: ClientFault | null, attempt: number): void {
    if (this.#state.is === 'denied') return;
    this.#cutOff(fault);
    this.#become({ is: 'connecting', attempt, sinceMs: this.#notLiveSinceMs() });
    this.#publish();
  }

  ended(fault: ClientFault): void {
    this.#cutOff(fault);
    if (fault.code === 'token_expired') this.#become({ is: 'closed', sinceMs: this.#notLiveSinceMs() });
    else this.#deny(fault);
    this.#answerWaiters(false);
    this.#publish();
  }

  /** A denial is not for ever: there may be another token, or a person who asks once more. */
  triedAgain(): void {
    if (this.#state.is !== 'denied') return;
    this.#forbidden = 0;
    this.#error = null;
    const sinceMs = this.environment.now();
    this.#become(this.connection.isOpen ? { is: 'joining', sinceMs } : { is: 'connecting', attempt: 0, sinceMs });
    this.#publish();
  }

  userChanged(): void {
    this.#forget();
    this.#publish();
  }

  woke(): void {
    if (!this.#isJoined) return;
    this.#askToJoin('asleep', PROBE_LIMIT_MS);
    this.#settle();
    this.#publish();
  }

  message(name: string, body: Readonly<Record<string, unknown>>, more: unknown): void {
    if (this.#state.is === 'denied') return;
    const type = EVENT_TYPES.get(name);
    if (type !== undefined) this.#event({ type, body } as unknown as ChallengeEvent, more as Bridge | undefined);
    else if (name === 'joined_challenge') this.#joined(body as unknown as JoinedChallenge);
    else if (name === 'snapshot') this.#take((body as unknown as Snapshot).state);
    else if (name === 'freshness')
      this.#heard = { freshness: body as unknown as Freshness, atMs: this.environment.monotonicMs() };
    else if (name === 'access_revoked') this.#deny(gatewayFault('forbidden', 'Access was revoked'));
    else return;
    this.#settle();
    this.#publish();
  }

  // The rule.

  #event(event: ChallengeEvent, bridge: Bridge | undefined): void {
    const { epoch, sequence } = event.body;
    const prev = bridge?.prev_sequence ?? sequence - 1;
    switch (judge(this.#cursor, { epoch, sequence, prev })) {
      case 'handle':
        this.#cursor = { epoch, sequence };
        this.#figures = afterEvent(this.#figures, event);
        this.#fruitless = 0;
        this.#settle();
        this.#publish();
        return this.#tellEvent(event, false);
      case 'drop':
        return this.#tellPast(event);
      case 'rejoin':
        return this.#askToJoin('gap');
    }
  }

  #take(state: ChallengeState): void {
    if (!isTaken(this.#cursor, state)) return;
    const { epoch, sequence } = state;
    if (this.#cursor === null) this.#past = { told: { epoch, sequence: 0 }, end: { epoch, sequence } };
    this.#figures = afterSnapshot(this.#figures, state, this.#clearedTo);
    this.#cursor = { epoch, sequence };
    this.#fruitless = 0;
  }

  /** Events from before the first snapshot come only where `history` asked for them, and each is told once, in order. */
  #tellPast(event: ChallengeEvent): void {
    const { epoch, sequence } = event.body;
    const past = this.#past;
    if (this.options.history === undefined || past === undefined) return;
    if (!isBeyond({ epoch, sequence }, past.told) || isBeyond({ epoch, sequence }, past.end)) return;
    this.#past = { ...past, told: { epoch, sequence } };
    this.#tellEvent(event, true);
  }

  // Joining: one at a time.

  #askToJoin(because: Because, limitMs = ANSWER_LIMIT_MS): void {
    if (!this.connection.isOpen) return;
    const join = this.#join;
    // What is doubtful stays so until a join is answered, whatever asks for the next one.
    const doubt = because ?? (join.is === 'none' ? null : join.because);
    if (join.is === 'asked' || (join.is === 'waiting' && because === 'gap')) {
      this.#join = { ...join, because: doubt };
      return;
    }
    this.#endJoin();
    if (because === 'gap' && this.#fruitless++ > 0) this.#joinIn(this.#backoffMs(), doubt);
    else this.#sendJoin(doubt, limitMs);
  }

  #joinIn(delayMs: number, because: Because): void {
    const cancel = this.environment.after(delayMs, () => this.#sendJoin(because, ANSWER_LIMIT_MS));
    this.#join = { is: 'waiting', because, cancel };
  }

  #sendJoin(because: Because, limitMs: number): void {
    const cancel = this.environment.after(limitMs, () => this.connection.suspect());
    this.#join = { is: 'asked', because, cancel };
    this.connection.send('join_challenge', this.#request(), (answer) => {
      if (this.#join.is === 'asked' && this.#join.cancel === cancel) this.#answered(answer, this.#join.because);
    });
  }

  #request(): JoinChallenge {
    const { history } = this.options;
    const awayMs = this.#lostAtMs === null ? null : this.environment.monotonicMs() - this.#lostAtMs;
    return {
      challenge_id: this.challengeId,
      ...(this.#cursor === null ? (history === undefined ? {} : { history }) : { cursor: this.#cursor }),
      ...(awayMs === null ? {} : { reconnect_ms: Math.max(0, Math.round(awayMs)) }),
    };
  }

  /** A join that is granted is answered by `joined_challenge`; the acknowledgement matters only when it refuses. */
  #answered(answer: Answer, because: Because): void {
    if (answer.ok) return;
    this.#endJoin();
    const { code, message } = answer;
    const fault = gatewayFault(code, message);
    if (code === 'forbidden' && ++this.#forbidden === 1) this.#joinIn(FIRST_FORBIDDEN_WAIT_MS, because);
    // The same payload would be called invalid again.
    else if (code === 'invalid_request' || !fault.retryable) this.#deny({ ...fault, retryable: false });
    else {
      this.#error = fault;
      this.#fruitless += 1;
      this.#joinIn(this.#backoffMs(), because);
    }
    this.#settle();
    this.#publish();
  }

  #backoffMs(): number {
    return fullJitterMs(this.environment, Math.max(0, this.#fruitless - 2));
  }

  #joined(joined: JoinedChallenge): void {
    this.#endJoin();
    this.#isJoined = true;
    this.#forbidden = 0;
    this.#lostAtMs = null;
    this.#error = null;
    this.#target = { epoch: joined.epoch, sequence: joined.sequence };
    if (joined.snapshot !== undefined) this.#take(joined.snapshot);
  }

  #endJoin(): void {
    if (this.#join.is !== 'none') this.#join.cancel();
    this.#join = { is: 'none' };
  }

  // The state.

  /** Live or stale, once the gateway has said how fresh the room is. */
  #settle(): void {
    if (!this.#isJoined || this.#heard === undefined) return;
    const why = this.#whyStale(this.#heard.freshness);
    if (why === null) this.#become({ is: 'live' });
    else this.#become({ is: 'stale', why, sinceMs: this.#notLiveSinceMs() });
    if (why !== 'gap' && why !== 'asleep' && why !== 'catching_up') this.#answerWaiters(why === null);
  }

  #whyStale({ state, reason }: Freshness): StaleReason | null {
    if (this.#join.is !== 'none' && this.#join.because !== null) return this.#join.because;
    if (state !== 'live') return reason ?? 'unknown';
    if (this.#cursor === null) return 'behind';
    return this.#target !== null && isBeyond(this.#target, this.#cursor) ? 'catching_up' : null;
  }

  #cutOff(fault: ClientFault | null): void {
    this.#endJoin();
    this.#claimAsOf();
    this.#heard = undefined;
    this.#target = null;
    if (this.#isJoined) this.#lostAtMs = this.connection.heardAtMs;
    this.#isJoined = false;
    this.#error = fault;
  }

  #deny(fault: ClientFault): void {
    this.#forget();
    this.#error = fault;
    this.#become({ is: 'denied', fault });
    this.#answerWaiters(false);
  }

  #forget(): void {
    this.#endJoin();
    this.#figures = NOTHING;
    this.#cursor = null;
    this.#clearedTo = null;
    this.#past = undefined;
    this.#asOf = null;
    this.#heard = undefined;
    this.#target = null;
    this.#isJoined = false;
    this.#lostAtMs = null;
  }

  /** The only place where the state changes. */
  #become(next: ConnectionState): void {
    if (!isSame(this.#state, next)) this.#state = next;
  }

  #notLiveSinceMs(): number {
    return 'sinceMs' in this.#state ? this.#state.sinceMs : this.environment.now();
  }

  #claimAsOf(): void {
    if (this.#heard !== undefined) this.#asOf = asOfAt(this.#heard, this.connection.heardAtMs);
  }

  #answerWaiters(isCurrent: boolean): void {
    for (const give of [...this.#waiters]) give(isCurrent);
  }

  // What listeners hear: one notification per change, of a picture that is replaced and never altered (pitfall R2).

  #viewNow(): ChallengeView {
    this.#claimAsOf();
    return viewOf({
      connection: this.#state,
      figures: this.#figures,
      asOf: this.#asOf,
      error: this.#error,
      cursor: this.#cursor,
    });
  }

  #publish(): void {
    const view = this.#viewNow();
    if (isSame(this.#view, view)) return;
    this.#view = view;
    for (const listener of [...this.#listeners]) apart(listener);
  }

  #tellEvent(event: ChallengeEvent, isPast: boolean): void {
    for (const listener of [...this.#eventListeners]) apart(() => listener(event, isPast));
  }
}

function isSame<Value extends object>(a: Value, b: Value): boolean {
  const [former, latter] = [Object.entries(a), Object.entries(b)];
  return former.length === latter.length && latter.every(([name, value]) => Object.is(a[name as keyof Value], value));
}

/** A listener's exception is the page's to hear of, and nobody else's to suffer from. */
function apart(run: () => void): void {
  try {
    run();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
