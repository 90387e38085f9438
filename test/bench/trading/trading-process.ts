/** Posts the trades of a bench, in a process of its own. */
import { given } from '../../support/given.js';
import { serve } from '../child.js';
import { percentile } from '../figures.js';
import { atConstantRate } from '../load/arrivals.js';
import { Connection, type Answer } from './connection.js';
import type { Run, Seat, Target, Traded, TradingAsk } from './messages.js';

const OPENED_AT_ONCE = 16;
/** More than are ever under way at a constant rate that can be borne. */
const ARRIVING_CONNECTIONS = 256;

/** Challenges in turn; each one's next trade gives back what its last one gained, so none ever ends and no alert fires. */
class Book {
  #turn = 0;

  constructor(private readonly challengeIds: readonly string[]) {}

  next(): { readonly challengeId: string; readonly trade: ReturnType<typeof given.trade> } {
    const turn = this.#turn++;
    const count = this.challengeIds.length;
    const isGain = Math.floor(turn / count) % 2 === 0;
    return {
      challengeId: this.challengeIds[turn % count] as string,
      trade: given.trade({ realized_pnl: isGain ? '1.25' : '-1.25' }),
    };
  }
}

const books = new Map<string, Book>();

async function open(name: string, target: Target, seats: readonly Seat[]): Promise<void> {
  const left = [...seats];
  await withConnections(target, OPENED_AT_ONCE, async (connection) => {
    for (let seat = left.pop(); seat !== undefined; seat = left.pop()) {
      const body = given.challenge({ challenge_id: seat.challengeId, user_id: seat.userId });
      const { status, body: said } = await connection.post('/v1/challenges', JSON.stringify(body));
      if (status !== 201) throw new Error(`a challenge was answered ${status}: ${said.toString()}`);
    }
  });
  books.set(name, new Book(seats.map(({ challengeId }) => challengeId)));
}

async function withConnections(
  target: Target,
  count: number,
  work: (connection: Connection) => Promise<void>,
): Promise<void> {
  const connections = await Promise.all(Array.from({ length: count }, () => Connection.open(target)));
  await Promise.all(connections.map(work)).finally(() => connections.forEach((connection) => connection.close()));
}

/** Counts what falls between the end of the warm-up and the end of the run. */
class Tally {
  readonly #fromMs: number;
  readonly untilMs: number;
  readonly #latenciesMs: number[] = [];
  #accepted = 0;
  #refused = 0;
  #firstRefusal: string | null = null;
  readonly #processor = process.cpuUsage();
  readonly #beganMs = performance.now();

  constructor(private readonly run: Run) {
    this.#fromMs = performance.now() + run.warmUpS * 1_000;
    this.untilMs = this.#fromMs + run.seconds * 1_000;
  }

  count(answer: Answer, beganMs: number): void {
    const refusals = refusalsOf(answer, this.run.perRequest);
    this.#refused += refusals;
    if (refusals > 0) this.#firstRefusal ??= `${answer.status} ${answer.body.toString()}`.slice(0, 1_000);
    const endedMs = performance.now();
    if (endedMs < this.#fromMs || endedMs >= this.untilMs) return;
    this.#accepted += this.run.perRequest - refusals;
    this.#latenciesMs.push(endedMs - beganMs);
  }

  result(): Traded {
    const { user, system } = process.cpuUsage(this.#processor);
    return {
      perS: this.#accepted / this.run.seconds,
      p50Ms: percentile(this.#latenciesMs, 0.5),
      p99Ms: percentile(this.#latenciesMs, 0.99),
      refused: this.#refused,
      firstRefusal: this.#firstRefusal,
      processorShare: (user + system) / 1_000 / (performance.now() - this.#beganMs),
    };
  }
}

/** A list is answered 200 as a whole, and then says of each trade what became of it. */
function refusalsOf({ status, body }: Answer, asked: number): number {
  if (asked === 1) return status === 201 ? 0 : 1;
  if (status !== 200) return asked;
  if (!body.includes('"problem"')) return 0;
  const { results } = JSON.parse(body.toString()) as { readonly results: readonly { readonly status: number }[] };
  return results.filter(({ status: one }) => one !== 201).length;
}

function post(connection: Connection, book: Book, count: number): Promise<Answer> {
  if (count === 1) {
    const { challengeId, trade } = book.next();
    return connection.post(`/v1/challenges/${challengeId}/trades`, JSON.stringify(trade));
  }
  const trades = Array.from({ length: count }, () => {
    const { challengeId, trade } = book.next();
    return { challenge_id: challengeId, ...trade };
  });
  return connection.post('/v1/trades', JSON.stringify({ trades }));
}

async function saturate(book: Book, run: Run, connections: number): Promise<Traded> {
  const tally = new Tally(run);
  await withConnections(run.target, connections, async (connection) => {
    for (let nowMs = performance.now(); nowMs < tally.untilMs; nowMs = performance.now())
      tally.count(await post(connection, book, run.perRequest), nowMs);
  });
  return tally.result();
}

async function arrive(book: Book, run: Run, perSecond: number): Promise<Traded> {
  const all = await Promise.all(Array.from({ length: ARRIVING_CONNECTIONS }, () => Connection.open(run.target)));
  const free = [...all];
  const waiting: ((connection: Connection) => void)[] = [];
  const taken = (): Promise<Connection> | Connection =>
    free.pop() ?? new Promise<Connection>((resolve) => waiting.push(resolve));
  const give = (connection: Connection): void => {
    const first = waiting.shift();
    if (first === undefined) free.push(connection);
    else first(connection);
  };
  const tally = new Tally(run);
  const toMs = performance.now() - Number(process.hrtime.bigint()) / 1e6;
  await atConstantRate({ rate: perSecond, seconds: run.warmUpS + run.seconds }, async (_, dueNs) => {
    const connection = await taken();
    tally.count(await post(connection, book, run.perRequest), Number(dueNs) / 1e6 + toMs);
    give(connection);
  }).finally(() => all.forEach((connection) => connection.close()));
  return tally.result();
}

serve<TradingAsk>(async (ask) => {
  if (ask.act === 'open') return open(ask.book, ask.target, ask.seats);
  const book = books.get(ask.book);
  if (book === undefined) throw new Error(`the book ${ask.book} was not opened`);
  return ask.act === 'saturate' ? saturate(book, ask, ask.connections) : arrive(book, ask, ask.perSecond);
});
