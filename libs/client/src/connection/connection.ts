import type { Answer, GoingAway, Refusal, SocketError } from '@tradesense/contracts';

import type { Cancel, Environment, Wake } from '../environment.js';
import { gatewayFault, isTerminal, ownFault, type ClientFault } from '../fault.js';
import { fullJitterMs, hintedMs } from './backoff.js';
import { identityOf, TokenSource, type Token } from './token.js';
import type { Dial, Wire } from './wire.js';

/**
 * One socket to one gateway address for one user, shared by all challenges on the page. It exists while somebody needs it:
 *
 *   down --attach--> asking --token--> opening --accepted--> open
 *                      ^                  |                   |
 *                      +---- waiting <----+---- lost ---------+        ended: refused for good
 *
 * asking   the token source is asked anew, before every attempt (pitfall R5)
 * waiting  full jitter, or the gateway's own hint, which nothing cuts short
 * ended    `unauthorized`, or a fixed token that has expired: another token, or `retry()`, starts again
 *
 * Nothing is sent unless open, so nothing queues up while offline (pitfall R4); whoever is attached joins anew at each open.
 * Timers are not trusted to notice a dead socket: a hidden page's run late or not at all (pitfall R6). At each wake-up the age
 * of the last thing heard decides.
 */
type Link =
  | { readonly is: 'down' }
  | { readonly is: 'asking' }
  | { readonly is: 'opening'; readonly wire: Wire; readonly giveUp: Cancel }
  | { readonly is: 'open'; readonly wire: Wire; readonly sinceMs: number }
  | { readonly is: 'waiting'; readonly hinted: boolean; readonly cancel: Cancel }
  | { readonly is: 'ended'; readonly fault: ClientFault };

/** What a challenge is told about its connection. */
export interface Member {
  readonly challengeId: string;
  opened(): void;
  /** Not connected (any more), and it will be tried again. */
  lost(fault: ClientFault | null, attempt: number): void;
  ended(fault: ClientFault): void;
  /** It had ended, and is tried once more. */
  triedAgain(): void;
  /** The token now belongs to somebody else: forget what the former user saw. */
  userChanged(): void;
  /** The page slept long enough for the socket to be dead without having said so. */
  woke(): void;
  message(name: string, body: Readonly<Record<string, unknown>>, more: unknown): void;
}

/** Gateways send a heartbeat every 10 s and allow 5 s for it. */
const SILENCE_LIMIT_MS = 15_000;
const OPENING_LIMIT_MS = 20_000;
/** A connection that lived shorter than this does not set the back-off to its beginning. */
const STEADY_MS = 10_000;

export class Connection {
  readonly #members = new Map<string, Member>();
  readonly #source: TokenSource;
  #link: Link = { is: 'down' };
  #attempt = 0;
  #fault: ClientFault | null = null;
  #identity: string | undefined;
  #tokenInUse: string | undefined;
  #heardAt = { wall: 0, monotonic: 0 };
  /** Set by `error unauthorized`: says what the disconnect that follows it means. */
  #farewell: ClientFault | undefined;
  #leaveAt: Cancel | undefined;
  #stopWaking: Cancel | undefined;

  constructor(
    private readonly url: string,
    token: Token,
    private readonly dial: Dial,
    private readonly environment: Environment,
  ) {
    this.#source = new TokenSource(environment, token);
  }

  attach(member: Member): void {
    this.#members.set(member.challengeId, member);
    this.#stopWaking ??= this.environment.onWake((wake) => this.#woke(wake));
    if (this.#link.is === 'open') member.opened();
    else if (this.#link.is === 'ended') member.ended(this.#link.fault);
    else {
      member.lost(this.#fault, this.#attempt);
      if (this.#link.is === 'down') this.#connect();
    }
  }

  detach(challengeId: string): void {
    this.#members.delete(challengeId);
    if (this.#members.size > 0) return;
    this.#stopWaking?.();
    this.#stopWaking = undefined;
    this.#attempt = 0;
    this.#fault = null;
    this.#become({ is: 'down' });
  }

  /** Its use: at the next attempt, or now when the last one ended for want of a good token. */
  useToken(token: Token): void {
    if (this.#source.replace(token) && this.#link.is === 'ended') this.retry();
  }

  get isOpen(): boolean {
    return this.#link.is === 'open';
  }

  /** Milliseconds, monotonic, of the last thing heard from the gateway. */
  get heardAtMs(): number {
    return this.#heardAt.monotonic;
  }

  send(name: string, payload: object, answered: (answer: Answer) => void): void {
    const link = this.#link;
    if (link.is !== 'open') return;
    link.wire.send(name, payload, (answer) => {
      if (this.#link === link) answered(answer);
    });
  }

  /** Somebody did not get an answer: the socket is taken for dead. */
  suspect(): void {
    if (this.#link.is === 'open') this.#lost(ownFault('no_answer'));
  }

  /** A person asks for it: do not wait any longer, unless the gateway said how long. */
  retry(): void {
    const link = this.#link;
    if (link.is === 'ended') {
      this.#each((member) => member.triedAgain());
      this.#connect();
    } else if (link.is === 'waiting' && !link.hinted) this.#connect();
  }

  #become(link: Link): void {
    const former = this.#link;
    this.#link = link;
    this.#leaveAt?.();
    this.#leaveAt = undefined;
    if (former.is === 'waiting') former.cancel();
    if (former.is === 'opening') former.giveUp();
    if ((former.is === 'opening' || former.is === 'open') && !('wire' in link && link.wire === former.wire))
      former.wire.close();
  }

  #connect(): void {
    const asking: Link = { is: 'asking' };
    this.#become(asking);
    this.#tellLost();
    void this.#source.ask().then((answer) => {
      if (this.#link !== asking) return;
      if (answer.ok) this.#open(answer.token);
      else if (answer.fault.retryable) this.#wait(answer.fault);
      else this.#end(answer.fault);
    });
  }

  #open(token: string): void {
    const identity = identityOf(token);
    if (this.#identity !== undefined && this.#identity !== identity) this.#each((member) => member.userChanged());
    this.#identity = identity;
    this.#farewell = undefined;
    this.#tokenInUse = token;
    const ifOurs =
      <Said extends readonly unknown[]>(listen: (...said: Said) => void) =>
      (...said: Said): void => {
        if ('wire' in this.#link && this.#link.wire === wire) listen(...said);
      };
    const wire: Wire = this.dial(this.url, token, {
      opened: ifOurs(() => this.#opened(wire)),
      failed: ifOurs((refusal) => this.#refused(refusal)),
      closed: ifOurs(() => this.#closed()),
      heard: ifOurs(() => this.#heard()),
      message: ifOurs((name, args) => this.#message(name, args)),
    });
    const giveUp = this.environment.after(OPENING_LIMIT_MS, () => this.#wait(ownFault('connection_failed')));
    this.#become({ is: 'opening', wire, giveUp });
  }

  #opened(wire: Wire): void {
    this.#fault = null;
    this.#heard();
    this.#become({ is: 'open', wire, sinceMs: this.environment.monotonicMs() });
    this.#each((member) => member.opened());
  }

  #refused(refusal: Refusal | undefined): void {
    if (refusal === undefined) return this.#wait(ownFault('connection_failed'));
    const fault = gatewayFault(refusal.code, refusal.message);
    if (isTerminal(refusal.code)) return this.#end(fault);
    if (refusal.code === 'token_expired' && this.#source.isFixed) return this.#end({ ...fault, retryable: false });
    this.#wait(fault, refusal.retry_after_ms);
  }

  #closed(): void {
    if (this.#farewell === undefined) this.#lost(ownFault('connection_lost'));
    else this.#end(this.#farewell);
  }

  #lost(fault: ClientFault): void {
    const link = this.#link;
    if (link.is === 'open' && this.environment.monotonicMs() - link.sinceMs >= STEADY_MS) this.#attempt = 0;
    this.#wait(fault);
  }

  #wait(fault: ClientFault, hintMs?: number): void {
    this.#fault = fault;
    const delayMs =
      hintMs === undefined ? fullJitterMs(this.environment, this.#attempt) : hintedMs(this.environment, hintMs);
    this.#attempt += 1;
    const cancel = this.environment.after(delayMs, () => this.#connect());
    this.#become({ is: 'waiting', hinted: hintMs !== undefined, cancel });
    this.#tellLost();
  }

  #end(fault: ClientFault): void {
    this.#attempt = 0;
    this.#become({ is: 'ended', fault });
    this.#each((member) => member.ended(fault));
  }

  #heard(): void {
    this.#heardAt = { wall: this.environment.now(), monotonic: this.environment.monotonicMs() };
  }

  #message(name: string, args: readonly unknown[]): void {
    this.#heard();
    const [body, more] = args;
    if (typeof body !== 'object' || body === null) return;
    if (name === 'going_away') return this.#leaveIn((body as GoingAway).reconnect_in_ms);
    if (name === 'token_expired') return this.#prolong();
    const { challenge_id: challengeId } = body as { readonly challenge_id?: unknown };
    if (typeof challengeId === 'string') {
      const member = this.#members.get(challengeId);
      // Left while its join was under way.
      if (member === undefined && name === 'joined_challenge')
        this.send('leave_challenge', { challenge_id: challengeId }, () => undefined);
      return member?.message(name, body as Readonly<Record<string, unknown>>, more);
    }
    if (name === 'access_revoked') return this.#end(gatewayFault('unauthorized', 'Access was revoked'));
    // Every message of ours is acknowledged, so other errors without a challenge answer nothing that we sent.
    if (name === 'error' && isTerminal((body as SocketError).code))
      this.#farewell = gatewayFault((body as SocketError).code, (body as SocketError).message);
  }

  /** The gateway is draining and spreads its clients over time: leave at the time given, then come back as if cut off. */
  #leaveIn(delayMs: number): void {
    this.#leaveAt?.();
    this.#leaveAt = this.environment.after(Math.max(0, delayMs), () => {
      this.#attempt = 0;
      this.#connect();
    });
  }

  /** Expiry is announced some seconds ahead. A newer token keeps the socket; without one the gateway closes it. */
  #prolong(): void {
    const link = this.#link;
    void this.#source.ask().then((answer) => {
      if (this.#link !== link || !answer.ok) return;
      const { token } = answer;
      if (token === this.#tokenInUse || identityOf(token) !== this.#identity) return;
      this.#tokenInUse = token;
      this.send('refresh_token', { token }, () => undefined);
    });
  }

  #woke(wake: Wake): void {
    if (this.#link.is === 'waiting') return this.retry();
    if (this.#link.is !== 'open') return;
    // The monotonic clock may stand still while the machine sleeps, the wall clock may be set back: the longer age counts.
    const silenceMs = Math.max(
      this.environment.now() - this.#heardAt.wall,
      this.environment.monotonicMs() - this.#heardAt.monotonic,
    );
    if (wake === 'restored' || silenceMs > SILENCE_LIMIT_MS) this.#each((member) => member.woke());
  }

  #tellLost(): void {
    this.#each((member) => member.lost(this.#fault, this.#attempt));
  }

  #each(tell: (member: Member) => void): void {
    for (const member of [...this.#members.values()]) tell(member);
  }
}
