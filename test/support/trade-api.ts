import type { ChallengeState, EventType, Problem } from '@tradesense/contracts';

import { given, type ChallengeRequest, type TradeRequest } from './given.js';

export interface TradeAnswer {
  readonly trade_id: string;
  readonly challenge: ChallengeState;
  readonly events: readonly { readonly event_id: string; readonly type: EventType; readonly sequence: number }[];
}
export interface Reply<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
  /** The body's bytes: a repeated answer has the same ones. */
  readonly text: string;
}

const ANSWER_WITHIN_MS = 15_000;

/** A caller of the trade API, with one token. */
export class TradeApi {
  constructor(
    private readonly baseUrl: string,
    private readonly token: string,
  ) {}

  /** The answer as it is, whatever its status. */
  async request<Body = Problem>(
    method: string,
    path: string,
    body?: unknown,
    signal = AbortSignal.timeout(ANSWER_WITHIN_MS),
  ): Promise<Reply<Body>> {
    const response = await fetch(`${this.baseUrl}${path}`, {
      method,
      signal,
      headers: {
        authorization: `Bearer ${this.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: JSON.parse(text) as Body, text };
  }

  /** Opens a challenge; anything but 201 is an error. */
  async open(facts: Partial<ChallengeRequest> = {}): Promise<ChallengeState> {
    return accepted(201, await this.request<ChallengeState>('POST', '/v1/challenges', given.challenge(facts)));
  }

  /** Posts a trade; anything but 201 is an error. */
  async post(challengeId: string, facts: Partial<TradeRequest> = {}): Promise<TradeAnswer> {
    const path = `/v1/challenges/${challengeId}/trades`;
    return accepted(201, await this.request<TradeAnswer>('POST', path, given.trade(facts)));
  }

  async read(challengeId: string): Promise<ChallengeState> {
    return accepted(200, await this.request<ChallengeState>('GET', `/v1/challenges/${challengeId}`));
  }
}

function accepted<Body>(status: number, reply: Reply<Body>): Body {
  if (reply.status !== status)
    throw new Error(`the trade API answered ${reply.status} where ${status} was due: ${JSON.stringify(reply.body)}`);
  return reply.body;
}
