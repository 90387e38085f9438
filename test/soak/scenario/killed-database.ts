import { setTimeout as delay } from 'node:timers/promises';

import type { Stack } from '@tradesense/local';
import pg from 'pg';

import { atConstantRate } from '../../bench/load/arrivals.js';
import { unbalanced } from '../../support/books.js';
import { given, type TradeRequest } from '../../support/given.js';
import { groundOn } from '../../support/stack.js';
import { System } from '../../support/system.js';
import type { Reply } from '../../support/trade-api.js';

export interface KilledDatabaseOptions {
  readonly kills: number;
  /** Trades per second, each posted again until it is accepted. */
  readonly rate: number;
  readonly challenges: number;
  /** Before each kill, and after the last one. */
  readonly calmMs: number;
  /** How long PostgreSQL stays away, at most. */
  readonly awayMs: number;
  readonly chance: () => number;
  readonly tell?: (text: string) => void;
}

export interface KilledDatabaseReport {
  readonly accepted: number;
  /** Posts that were answered 503, and posts without an answer. */
  readonly refused: number;
  /** First answers that were lost: the trade was there when it was posted again. */
  readonly unheard: number;
  /** In words, the first ones. */
  readonly breaches: readonly string[];
}

const AGAIN_MS = 200;
const GIVE_UP_MS = 60_000;
const SHOWN = 20;

/** One trade, and the first answer that said it was accepted. */
interface Heard {
  readonly path: string;
  readonly trade: TradeRequest;
  readonly text: string;
}

/** PostgreSQL dies under load and comes back, again and again, while each caller repeats its trade until it is accepted. */
export async function killedDatabase(
  stack: Stack,
  { kills, rate, challenges, calmMs, awayMs, chance, tell = () => undefined }: KilledDatabaseOptions,
): Promise<KilledDatabaseReport> {
  const system = await System.start(groundOn(stack), { services: ['trade'] });
  try {
    const opened = await Promise.all(Array.from({ length: challenges }, () => system.api.open()));
    const ids = opened.map(({ challenge_id }) => challenge_id);
    const heard: Heard[] = [];
    const breaches: string[] = [];
    const counts = { refused: 0, unheard: 0 };

    const post = (path: string, trade: TradeRequest): Promise<Reply<unknown> | undefined> =>
      system.api.request('POST', path, trade).catch(() => undefined);
    const untilAccepted = async (path: string, trade: TradeRequest): Promise<void> => {
      for (const sinceMs = performance.now(); performance.now() - sinceMs < GIVE_UP_MS; await delay(AGAIN_MS)) {
        const reply = await post(path, trade);
        if (reply?.status === 201) {
          if (reply.headers.get('idempotent-replayed') !== null) counts.unheard += 1;
          heard.push({ path, trade, text: reply.text });
          return;
        }
        counts.refused += 1;
        if (reply !== undefined && (reply.status !== 503 || reply.headers.get('retry-after') === null))
          breaches.push(`a trade was answered ${reply.status}: ${reply.text}`);
      }
      breaches.push(`a trade was not accepted within ${GIVE_UP_MS} ms`);
    };

    const over = new AbortController();
    const trading = (async () => {
      while (!over.signal.aborted)
        await atConstantRate({ rate, seconds: 1 }, (index) => {
          const realized_pnl = `${index % 2 === 0 ? '' : '-'}${1 + (index % 9)}.00`;
          return untilAccepted(
            `/v1/challenges/${ids[Math.floor(chance() * ids.length)]!}/trades`,
            given.trade({ realized_pnl }),
          );
        });
    })();
    for (let kill = 1; kill <= kills; kill += 1) {
      await delay(calmMs * (0.5 + chance()));
      await stack.postgres.kill('SIGKILL');
      await delay(awayMs * chance());
      await stack.postgres.start();
      tell(`kill ${kill}: ${heard.length} trades accepted, ${counts.refused} refused`);
    }
    await delay(calmMs);
    over.abort();
    await trading;

    for (const { path, trade, text } of heard) {
      const again = await post(path, trade);
      if (again?.text !== text || again.headers.get('idempotent-replayed') === null)
        breaches.push(`the first answer ${text} was repeated as ${again?.status} ${again?.text}`);
    }
    return {
      accepted: heard.length,
      ...counts,
      breaches: [...breaches, ...(await compared(stack, ids, heard))].slice(0, SHOWN),
    };
  } finally {
    await system.stop();
  }
}

/** What the database has, beside what callers were told. */
async function compared(stack: Stack, ids: readonly string[], heard: readonly Heard[]): Promise<readonly string[]> {
  const database = new pg.Client({ connectionString: stack.databaseUrl('postgres') });
  await database.connect();
  try {
    const { rows } = await database.query<{ trade_id: string }>('select trade_id from trade');
    const stored = new Set(rows.map(({ trade_id }) => trade_id));
    const accepted = new Set(heard.map(({ trade }) => trade.trade_id));
    return [
      ...[...accepted].filter((id) => !stored.has(id)).map((id) => `lost: trade ${id}`),
      ...[...stored].filter((id) => !accepted.has(id)).map((id) => `from nowhere: trade ${id}`),
      ...(rows.length === stored.size ? [] : [`${rows.length - stored.size} trades are there twice`]),
      ...(await unbalanced(database, ids)),
    ];
  } finally {
    await database.end();
  }
}
