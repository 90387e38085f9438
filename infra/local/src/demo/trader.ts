import { createHash, randomUUID } from 'node:crypto';

import { Money, type ChallengeState } from '@tradesense/contracts';
import { systemClock, systemRandom, type Clock, type Random } from '@tradesense/platform';

import { mintToken } from './token.js';
import { nextMove, type Direction } from './swing.js';

export const DEMO_USER = 'demo-trader';
const SYMBOLS = ['EURUSD', 'GBPUSD', 'XAUUSD', 'US500'];
const LIFE_MS = 7 * 86_400_000;
const ANSWER_MS = 10_000;
const PAUSE_MS = { least: 1_000, spread: 600 };
const MOST_CHALLENGES = 10_000;

export interface TraderOptions {
  readonly tradeUrl: string;
  readonly secret: string;
  /** A new demo challenge was opened, or the one of an earlier run was found. */
  readonly onChallenge: (challengeId: string) => void;
  readonly onTrouble: (what: string) => void;
  readonly clock?: Clock;
  readonly random?: Random;
}

/** The n-th demo challenge has always the same id, so that kept data is found again without remembering anything. */
function demoId(n: number): string {
  const hex = createHash('sha256').update(`demo challenge ${n}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export const serviceTokenOf = (secret: string): string =>
  mintToken(secret, { sub: 'demo-service', scope: 'trades:write' }, LIFE_MS);
export const userTokenOf = (secret: string): string => mintToken(secret, { sub: DEMO_USER }, LIFE_MS);

interface Answer {
  readonly status: number;
  readonly body: { readonly challenge?: ChallengeState } & Partial<ChallengeState> & { readonly title?: string };
}

/** Trades on the demo challenge every second or two, as a service would: over HTTP, with a service's token. */
export class DemoTrader {
  #n = 0;
  #direction: Direction = 'down';

  constructor(private readonly options: TraderOptions) {}

  /** Until the signal; what goes wrong is told and tried again. */
  async trade(signal: AbortSignal): Promise<void> {
    const { clock = systemClock, random = systemRandom, onTrouble } = this.options;
    let state: ChallengeState | undefined;
    while (!signal.aborted) {
      try {
        state = state === undefined || isOver(state) ? await this.#open(signal) : await this.#move(state, signal);
      } catch (error) {
        if (signal.aborted) return;
        onTrouble(error instanceof Error ? error.message : String(error));
        state = undefined;
      }
      await clock.sleep(PAUSE_MS.least + random.below(PAUSE_MS.spread), signal);
    }
  }

  /** The first demo challenge that has not ended. Creating one that exists answers as it did the first time. */
  async #open(signal: AbortSignal): Promise<ChallengeState> {
    for (let n = Math.max(1, this.#n); n <= MOST_CHALLENGES; n += 1) {
      const challengeId = demoId(n);
      const body = { challenge_id: challengeId, user_id: DEMO_USER, program: 'seed', initial_balance: '10000.00' };
      const created = await this.#ask('/v1/challenges', signal, body);
      if (created.status !== 201) throw new Error(`opening a challenge: ${told(created)}`);
      const seen = await this.#ask(`/v1/challenges/${challengeId}`, signal);
      if (seen.status !== 200) throw new Error(`reading the challenge: ${told(seen)}`);
      const state = seen.body as ChallengeState;
      if (isOver(state)) continue;
      if (n !== this.#n) this.options.onChallenge(challengeId);
      this.#n = n;
      return state;
    }
    throw new Error(`${MOST_CHALLENGES} demo challenges have ended: start with --fresh`);
  }

  async #move(state: ChallengeState, signal: AbortSignal): Promise<ChallengeState | undefined> {
    const { random = systemRandom, clock = systemClock } = this.options;
    const place = {
      equity: Money.of(state.equity.current_equity),
      initial: Money.of(state.initial_balance),
      floors: state.limits.map(({ floor }) => Money.of(floor)),
      direction: this.#direction,
    };
    const { pnl, direction } = nextMove(place, random);
    this.#direction = direction;
    const posted = await this.#ask(`/v1/challenges/${state.challenge_id}/trades`, signal, {
      trade_id: randomUUID(),
      symbol: SYMBOLS[Math.floor(random.below(SYMBOLS.length))] ?? 'EURUSD',
      realized_pnl: Money.format(pnl),
      executed_at: new Date(clock.now()).toISOString(),
    });
    if (posted.status === 409) return undefined; // somebody's own trade has ended it
    if (posted.status !== 201 || posted.body.challenge === undefined)
      throw new Error(`posting a trade: ${told(posted)}`);
    return posted.body.challenge;
  }

  async #ask(path: string, signal: AbortSignal, body?: object): Promise<Answer> {
    const response = await fetch(this.options.tradeUrl + path, {
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        authorization: `Bearer ${serviceTokenOf(this.options.secret)}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]),
    });
    return { status: response.status, body: (await response.json()) as Answer['body'] };
  }
}

const ENDS = new Set<ChallengeState['status']>(['FAILED', 'FUNDED', 'CLOSED']);
const isOver = ({ status }: ChallengeState): boolean => ENDS.has(status);
const told = ({ status, body }: Answer): string => `${status} ${body.title ?? ''}`.trimEnd();
