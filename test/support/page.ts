import { createChallengeClient, type ChallengeEvent, type ClientOptions } from '@tradesense/client';
import { SOCKET_EVENT, type ChallengeState, type Freshness, type JoinedChallenge } from '@tradesense/contracts';

import type { ClientWorld } from './client-world.js';
import { History, type Fact } from './facts.js';

/** An unsigned token is enough for a client: whether it is good is the gateway's business. */
export const tokenOf = (userId: string, more: Readonly<Record<string, unknown>> = {}): string => {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ iss: 'tradesense', sub: userId, ...more })}.`;
};

/** One subscriber of one challenge, and the gateway's lines for it. */
export class PageUnderTest {
  readonly history: History;
  readonly events: { readonly event: ChallengeEvent; readonly isPast: boolean }[] = [];
  notified = 0;
  readonly client;
  readonly handle;
  readonly leave: () => void;

  constructor(
    readonly world: ClientWorld,
    options: Partial<ClientOptions> = {},
    history = new History(),
  ) {
    this.history = history;
    const token = options.token ?? tokenOf(history.userId);
    this.client = createChallengeClient({ url: 'ws://gateway', ...options, token }, world);
    this.handle = this.client.challenge(history.challengeId);
    const stops = [
      this.handle.subscribe(() => (this.notified += 1)),
      this.handle.onEvent((event, isPast) => this.events.push({ event, isPast })),
    ];
    this.leave = () => stops.forEach((stop) => stop());
  }

  get view() {
    return this.handle.getSnapshot();
  }
  get handled(): readonly number[] {
    return this.events.filter(({ isPast }) => !isPast).map(({ event }) => event.body.sequence);
  }

  // What the gateway says on the present wire.

  tell(fact: Fact, ...more: readonly unknown[]): void {
    this.world.wire.say(SOCKET_EVENT[fact.type as keyof typeof SOCKET_EVENT], fact.body, ...more);
  }
  /** The next event of the history. */
  trade(): void {
    this.tell(this.history.equity());
  }
  joined(more: Partial<JoinedChallenge> = { recovered: false, reason: 'no_cursor', snapshot: this.state() }): void {
    const { challengeId, cursor } = this.history;
    this.world.wire.say('joined_challenge', { challenge_id: challengeId, ...cursor, recovered: true, ...more });
  }
  fresh(state: Freshness['state'] = 'live', reason?: Freshness['reason'], asOf = '2026-11-25T10:00:00.000Z'): void {
    const body = { challenge_id: this.history.challengeId, state, as_of: asOf };
    this.world.wire.say('freshness', reason === undefined ? body : { ...body, reason });
  }
  /** Connected, joined with a snapshot, live. */
  async goLive(): Promise<this> {
    await this.world.settle();
    this.joined();
    this.fresh();
    return this;
  }
  state(): ChallengeState {
    return this.history.state().body as ChallengeState;
  }
}
