import { setTimeout as delay } from 'node:timers/promises';

import type { Problem } from '@tradesense/contracts';

import { atConstantRate, type Arrivals } from '../../bench/load/arrivals.js';
import { given, type TradeRequest } from '../../support/given.js';
import type { System } from '../../support/system.js';
import type { Reply, TradeAnswer } from '../../support/trade-api.js';

/** One post and what came of it. */
export interface Posted {
  readonly challengeId: string;
  readonly trade: TradeRequest;
  /** On the monotonic clock. */
  readonly answeredMs: number;
  /** From the moment it was due. */
  readonly tookMs: number;
  /** 0: no answer. */
  readonly status: number;
  /** Of a problem document. */
  readonly problem: Partial<Problem>;
  readonly retryAfter: string | null;
  readonly isReplay: boolean;
}

/** Callers that post trades at a constant rate, whatever becomes of them. */
export class TradeLoad {
  #turn = 0;

  private constructor(
    private readonly system: System,
    private readonly challengeIds: readonly string[],
  ) {}

  static async open(system: System, challenges: number): Promise<TradeLoad> {
    const opened = await Promise.all(Array.from({ length: challenges }, () => system.api.open()));
    return new TradeLoad(
      system,
      opened.map(({ challenge_id }) => challenge_id),
    );
  }

  /** @param onPosted told each as soon as it is answered */
  async run(arrivals: Arrivals, onPosted: (posted: Posted) => void = () => undefined): Promise<readonly Posted[]> {
    const all: Posted[] = [];
    await atConstantRate(arrivals, async (_, dueNs) => {
      const posted = await this.#post(dueNs);
      all.push(posted);
      onPosted(posted);
    });
    return all;
  }

  /** Posts the same trade once more. */
  again({ challengeId, trade }: Posted): Promise<Posted> {
    return this.#send(challengeId, trade, process.hrtime.bigint());
  }

  /** Each challenge's next trade gives back what its last one gained, so that it stays within 1 % of its start. */
  #post(dueNs: bigint): Promise<Posted> {
    const turn = this.#turn;
    this.#turn += 1;
    const round = Math.floor(turn / this.challengeIds.length);
    const amount = `${1 + (Math.floor(round / 2) % 99)}.00`;
    const challengeId = this.challengeIds[turn % this.challengeIds.length]!;
    return this.#send(challengeId, given.trade({ realized_pnl: round % 2 === 0 ? amount : `-${amount}` }), dueNs);
  }

  async #send(challengeId: string, trade: TradeRequest, dueNs: bigint): Promise<Posted> {
    const path = `/v1/challenges/${challengeId}/trades`;
    const reply = await this.system.api.request<TradeAnswer | Problem>('POST', path, trade).catch(() => undefined);
    return {
      challengeId,
      trade,
      answeredMs: performance.now(),
      tookMs: Number(process.hrtime.bigint() - dueNs) / 1e6,
      ...told(reply),
    };
  }
}

const told = (
  reply: Reply<TradeAnswer | Problem> | undefined,
): Pick<Posted, 'status' | 'problem' | 'retryAfter' | 'isReplay'> => ({
  status: reply?.status ?? 0,
  problem: reply === undefined || 'challenge' in reply.body ? {} : reply.body,
  retryAfter: reply?.headers.get('retry-after') ?? null,
  isReplay: reply?.headers.get('idempotent-replayed') === 'true',
});

/** Calls again and again, so long after each answer, until the signal ends it; resolves then. */
export async function every(ms: number, signal: AbortSignal, call: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await call();
    await delay(ms, undefined, { signal }).catch(() => undefined);
  }
}
