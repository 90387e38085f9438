/**
 * The load of a bench: callers that post trades and clients that wait for the events, in a process of their own, so that both
 * ends are timed by one clock and what the bench itself does disturbs neither.
 */
import { Agent, request } from 'node:http';

import { Client, type Received } from '../../support/client.js';
import { given, type TradeRequest } from '../../support/given.js';
import { contiguousPerChallenge, handledOnce, sameSet, type Numbered } from '../../support/invariants.js';
import { tokens } from '../../support/tokens.js';
import { TradeApi, type TradeAnswer } from '../../support/trade-api.js';
import { until } from '../../support/until.js';
import { serve } from '../child.js';
import { atConstantRate, type Arrivals } from './arrivals.js';
import { LATE_MS, type Request, type RunResult, type Scene } from './messages.js';

/** Below the gateway's admission of new sockets per second. */
const JOINED_AT_ONCE = 50;
const SHOWN_BREACHES = 10;

interface Accepted extends Numbered {
  readonly event_id: string;
  readonly dueNs: bigint;
}

const millis = (fromNs: bigint, toNs: bigint): number => Number(toNs - fromNs) / 1e6;

class Load {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 });
  readonly #challengeIds: string[] = [];
  readonly #clients: Client[] = [];
  #token = '';
  #posted = 0;

  constructor(private readonly scene: Scene) {}

  async open(): Promise<void> {
    this.#token = await tokens.service({ secret: this.scene.jwtSecret });
    const api = new TradeApi(this.scene.tradeUrl, this.#token);
    while (this.#clients.length < this.scene.clients) {
      const count = Math.min(JOINED_AT_ONCE, this.scene.clients - this.#clients.length);
      const clients = await Promise.all(Array.from({ length: count }, () => this.#join(api)));
      await Promise.all(clients.map((client) => client.joined(30_000)));
    }
    await until(
      () => this.#clients.filter(({ isLive }) => !isLive).length,
      (count) => count === 0,
      { withinMs: 30_000, what: 'all clients are live' },
    );
  }

  async #join(api: TradeApi): Promise<Client> {
    const { challenge_id, user_id } = await api.open();
    const token = await tokens.user(user_id, { secret: this.scene.jwtSecret });
    const client = new Client({ url: this.scene.gatewayUrl, token, challengeId: challenge_id });
    this.#challengeIds.push(challenge_id);
    this.#clients.push(client);
    return client;
  }

  async run(arrivals: Arrivals, arriveWithinMs: number): Promise<RunResult> {
    const before = this.#clients.map(({ received, bridged }) => ({ received: received.length, bridged }));
    const accepted: Accepted[] = [];
    const tradeMs: number[] = [];
    let late = 0;
    let refused = 0;
    await atConstantRate(arrivals, async (_, dueNs) => {
      if (millis(dueNs, process.hrtime.bigint()) > LATE_MS) late += 1;
      const answer = await this.#post().catch(() => undefined);
      if (answer === undefined) return void (refused += 1);
      tradeMs.push(millis(dueNs, process.hrtime.bigint()));
      const { challenge_id, epoch } = answer.challenge;
      for (const { event_id, sequence } of answer.events)
        accepted.push({ challenge_id, epoch, sequence, event_id, dueNs });
    });
    const came = (): Received[] =>
      this.#clients.flatMap(({ received }, index) => received.slice(before[index]?.received));
    const arrived = await this.#arrived(accepted, came, arriveWithinMs);

    const received = came();
    const handled = received.filter(({ verdict }) => verdict === 'handled');
    const breaches = [sameSet(accepted, handled), handledOnce(handled), contiguousPerChallenge(this.#history())];
    return {
      tradeMs,
      eventMs: accepted.flatMap(({ event_id, dueNs }) => {
        const atNs = arrived.get(event_id);
        return atNs === undefined ? [] : [millis(dueNs, atNs)];
      }),
      late,
      refused,
      sent: accepted.length,
      received: accepted.filter(({ event_id }) => arrived.has(event_id)).length,
      duplicates: received.filter(({ verdict }) => verdict === 'duplicate').length,
      gaps: received.filter(({ verdict }) => verdict === 'gap').length,
      collapsed: this.#clients.reduce(
        (total, { bridged }, index) => total + bridged - (before[index]?.bridged ?? 0),
        0,
      ),
      breaches: breaches.flatMap((list) => list.slice(0, SHOWN_BREACHES)),
    };
  }

  /** All that any client ever handled, every run. */
  #history(): readonly Received[] {
    return this.#clients.flatMap(({ handled }) => handled);
  }

  /** When each event first came, once all have or the time is over. */
  async #arrived(
    accepted: readonly Accepted[],
    came: () => readonly Received[],
    withinMs: number,
  ): Promise<ReadonlyMap<string, bigint>> {
    const first = () => new Map([...came()].reverse().map(({ event_id, atNs }) => [event_id, atNs]));
    const all = (arrived: ReadonlyMap<string, bigint>) => accepted.every(({ event_id }) => arrived.has(event_id));
    return until(first, all, { withinMs, everyMs: 100 }).catch(first);
  }

  /** Every challenge's next trade gives back what its last one gained, so none is ever more than 1 % away from its start. */
  #post(): Promise<TradeAnswer> {
    const turn = this.#posted;
    this.#posted += 1;
    const challengeId = this.#challengeIds[turn % this.#challengeIds.length] as string;
    const round = Math.floor(turn / this.#challengeIds.length);
    const amount = `${1 + (Math.floor(round / 2) % 99)}.00`;
    return this.#send(challengeId, given.trade({ realized_pnl: round % 2 === 0 ? amount : `-${amount}` }));
  }

  #send(challengeId: string, trade: TradeRequest): Promise<TradeAnswer> {
    const body = JSON.stringify(trade);
    const url = `${this.scene.tradeUrl}/v1/challenges/${challengeId}/trades`;
    const headers = {
      authorization: `Bearer ${this.#token}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    };
    return new Promise((resolve, reject) => {
      const call = request(url, { method: 'POST', agent: this.#agent, headers, timeout: 15_000 }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          if (response.statusCode === 201) resolve(JSON.parse(Buffer.concat(chunks).toString()) as TradeAnswer);
          else reject(new Error(`answered ${response.statusCode}`));
        });
      });
      call.on('timeout', () => call.destroy(new Error('no answer in 15 s')));
      call.on('error', reject);
      call.end(body);
    });
  }
}

let load: Load | undefined;

serve<Request>(async (request) => {
  if (request.act === 'open') {
    load = new Load(request.scene);
    return load.open();
  }
  if (load === undefined) throw new Error('run before open');
  return load.run(request.arrivals, request.arriveWithinMs);
});
