import pg from 'pg';

import { median, percentile } from '../../bench/figures.js';
import { unbalanced } from '../../support/books.js';
import { given, type TradeRequest } from '../../support/given.js';
import { System, type Ground } from '../../support/system.js';
import type { Reply } from '../../support/trade-api.js';
import { whileLocked } from '../../support/trade-faults.js';
import { TradeLoad, type Posted } from './trade-load.js';

export interface HeldChallengeOptions {
  /** Of each half of a round: the challenge free, the challenge held. */
  readonly seconds: number;
  readonly rounds: number;
  /** Trades per second on other challenges. */
  readonly rate: number;
}

export interface HeldChallengeReport {
  /** Milliseconds, of the others' trades: of each round its 99th percentile, and the median of these. */
  readonly freeP99: number;
  readonly heldP99: number;
  /** How the held challenge's trades were answered. */
  readonly accepted: number;
  readonly overloaded: number;
  /** In words. */
  readonly breaches: readonly string[];
}

const OTHERS = 100;
const WAITING = 20;

const p99 = (posted: readonly Posted[]): number =>
  percentile(
    posted.map(({ tookMs }) => tookMs),
    0.99,
  );

/** A foreign session holds one challenge's row, now and not, beside trades on others: theirs must not be slower. */
export async function heldChallenge(
  ground: Ground,
  { seconds, rounds, rate }: HeldChallengeOptions,
): Promise<HeldChallengeReport> {
  const system = await System.start(ground, { services: ['trade'] });
  const database = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
  try {
    await database.connect();
    const load = await TradeLoad.open(system, OTHERS);
    const { challenge_id } = await system.api.open();
    await load.run({ rate, seconds: 1 });
    const free: (readonly Posted[])[] = [];
    const held: (readonly Posted[])[] = [];
    const replies: Reply<unknown>[] = [];
    const trades: TradeRequest[] = [];
    const post = (trade: TradeRequest) => system.api.request('POST', `/v1/challenges/${challenge_id}/trades`, trade);
    for (let round = 0; round < rounds; round += 1) {
      free.push(await load.run({ rate, seconds }));
      await whileLocked(ground.databaseUrl('trade'), [challenge_id], async (release) => {
        const some = Array.from({ length: WAITING }, () => given.trade({ realized_pnl: '0.01' }));
        trades.push(...some);
        const waiting = Promise.all(some.map(post));
        held.push(await load.run({ rate, seconds }));
        await release();
        replies.push(...(await waiting));
      });
    }
    const again = await Promise.all(trades.map(post));
    const failed = [...free, ...held].flat().filter(({ status }) => status !== 201);
    const isSaid = ({ status, headers }: Reply<unknown>): boolean =>
      status === 201 || (status === 503 && headers.get('retry-after') !== null);
    return {
      freeP99: median(free.map(p99)),
      heldP99: median(held.map(p99)),
      accepted: replies.filter(({ status }) => status === 201).length,
      overloaded: replies.filter(({ status }) => status === 503).length,
      breaches: [
        ...failed.map(({ status }) => `another challenge's trade was answered ${status}`),
        ...replies
          .filter((reply) => !isSaid(reply))
          .map(({ status, text }) => `a held trade was answered ${status}: ${text}`),
        ...again
          .filter(({ status }) => status !== 201)
          .map(({ status }) => `a trade posted again was answered ${status}`),
        ...again.flatMap(({ text }, index) =>
          replies[index]!.status === 201 && replies[index]!.text !== text ? ['a repeated answer is another one'] : [],
        ),
        ...(await unbalanced(database, [challenge_id])),
      ],
    };
  } finally {
    await system.stop();
    await database.end();
  }
}
