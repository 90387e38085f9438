import type { ChallengeState } from '@tradesense/contracts';

/** Reads a challenge as of now from the trade API, for which floors and days are a copy rolled to the present. */
export type ReadView = (signal: AbortSignal) => Promise<ChallengeState>;

export interface Pace {
  /** At least so long between two questions. */
  readonly restMs: number;
  readonly retryMs: number;
  /** Over so long are pages spread that all have the same reason at the same moment: the end of a day. */
  readonly spreadMs: number;
}

const PACE: Pace = { restMs: 1_000, retryMs: 5_000, spreadMs: 10_000 };
const ANSWER_LIMIT_MS = 5_000;

/**
 * Asks for the view while there is a reason that was not asked for yet: one question at a time, with a rest in between, so that
 * a run of new peaks is a question a second and not one a trade.
 */
export class ViewAsker {
  #reason: string | null = null;
  #answered: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #asking: AbortController | undefined;

  constructor(
    private readonly read: ReadView,
    private readonly tell: (view: ChallengeState) => void,
    private readonly pace: Pace = PACE,
    private readonly random: () => number = Math.random,
  ) {}

  because(reason: string | null): void {
    if (reason === this.#reason) return;
    this.#reason = reason;
    if (!this.#isDue || this.#asking !== undefined || this.#timer !== undefined) return;
    this.#askIn(reason?.startsWith('day over') === true ? this.random() * this.pace.spreadMs : 0);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#reason = null;
  }

  get #isDue(): boolean {
    return this.#reason !== null && this.#reason !== this.#answered;
  }

  #askIn(delayMs: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#isDue) void this.#ask(this.#reason);
    }, delayMs);
  }

  async #ask(reason: string | null): Promise<void> {
    const asking = new AbortController();
    this.#asking = asking;
    try {
      const view = await this.read(AbortSignal.any([asking.signal, AbortSignal.timeout(ANSWER_LIMIT_MS)]));
      if (asking.signal.aborted) return;
      this.#answered = reason;
      this.tell(view);
      this.#askIn(this.pace.restMs);
    } catch {
      // The trade API being away is no fault of the page's: the floors it has stay, and it asks again.
      if (!asking.signal.aborted) this.#askIn(this.pace.retryMs);
    } finally {
      this.#asking = undefined;
    }
  }
}

/** @throws when it is refused or away, or answers something else */
export async function fetchView(
  tradeUrl: string,
  challengeId: string,
  token: string,
  signal: AbortSignal,
): Promise<ChallengeState> {
  const answer = await fetch(new URL(`/v1/challenges/${challengeId}`, tradeUrl), {
    headers: { authorization: `Bearer ${token}` },
    credentials: 'omit',
    cache: 'no-store',
    signal,
  });
  if (!answer.ok) throw new Error(`the trade API answered ${answer.status}`);
  return (await answer.json()) as ChallengeState;
}
