import { LiveChallenge, type ChallengeOptions, type EventListener } from './challenge/live-challenge.js';
import { NOT_BEGUN, type ChallengeView } from './challenge/view.js';
import { Connection } from './connection/connection.js';
import type { Token } from './connection/token.js';
import type { Dial } from './connection/wire.js';
import { systemEnvironment, type Cancel, type Environment } from './environment.js';
import { dialSocketIo } from './transport/socket-io.js';

/** One challenge, for whoever shows it. Having a handle costs nothing and asks nothing: subscribing does. */
export interface ChallengeHandle {
  /** Joins, and stays joined until the last subscriber has left for a second. */
  subscribe(listener: () => void): Cancel;
  /** Every event once, in order, as it is handled; hears only while somebody subscribes. */
  onEvent(listener: EventListener): Cancel;
  getSnapshot(): ChallengeView;
  /** Fetches what is missing; whether the figures are current then. */
  refresh(): Promise<boolean>;
  clearAlerts(): void;
}

export interface ChallengeClient {
  challenge(challengeId: string): ChallengeHandle;
  /** The token to use from the next connect on; at once when the last one was refused. Of the same user. */
  useToken(token: Token): void;
}

export interface ClientOptions extends ChallengeOptions {
  /** Address of the gateway: ws, wss, http or https. */
  readonly url: string;
  readonly token: Token;
}

/** What tests hold instead of the world. */
export interface Surroundings {
  readonly dial: Dial;
  readonly environment: Environment;
}

/** Long enough for a page that unmounts and mounts again (StrictMode, a route change) not to leave its room (pitfall R1). */
const RELEASE_MS = 1_000;

interface Room {
  readonly challenge: LiveChallenge;
  users: number;
  release: Cancel | undefined;
}

const realWorld: Surroundings = { dial: dialSocketIo, environment: systemEnvironment };

/**
 * A client for one user at one gateway: one socket, however many challenges and subscribers.
 * @param whenUnused the last room was left; the next subscription opens a new socket
 */
export const createChallengeClient = (
  options: ClientOptions,
  surroundings: Surroundings = realWorld,
  whenUnused: () => void = () => undefined,
): ChallengeClient => new LiveClient(options, surroundings, whenUnused);

class LiveClient implements ChallengeClient {
  readonly #connection: Connection;
  readonly #rooms = new Map<string, Room>();

  constructor(
    private readonly options: ClientOptions,
    private readonly surroundings: Surroundings,
    private readonly whenUnused: () => void,
  ) {
    const { dial, environment } = surroundings;
    this.#connection = new Connection(options.url, options.token, dial, environment);
  }

  useToken(token: Token): void {
    this.#connection.useToken(token);
  }

  challenge(challengeId: string): ChallengeHandle {
    const here = (): LiveChallenge | undefined => this.#rooms.get(challengeId)?.challenge;
    return {
      subscribe: (listener) => this.#use(challengeId, (challenge) => challenge.subscribe(listener)),
      onEvent: (listener) => this.#use(challengeId, (challenge) => challenge.onEvent(listener)),
      getSnapshot: () => here()?.view ?? NOT_BEGUN,
      refresh: () => here()?.refresh() ?? Promise.resolve(false),
      clearAlerts: () => here()?.clearAlerts(),
    };
  }

  /** @param listen gives what ends the listening */
  #use(challengeId: string, listen: (challenge: LiveChallenge) => Cancel): Cancel {
    const room = this.#enter(challengeId);
    const stop = listen(room.challenge);
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      stop();
      this.#leave(challengeId, room);
    };
  }

  #enter(challengeId: string): Room {
    const known = this.#rooms.get(challengeId);
    if (known !== undefined) {
      known.users += 1;
      known.release?.();
      known.release = undefined;
      return known;
    }
    const challenge = new LiveChallenge(challengeId, this.#connection, this.surroundings.environment, this.options);
    const room: Room = { challenge, users: 1, release: undefined };
    this.#rooms.set(challengeId, room);
    this.#connection.attach(challenge);
    return room;
  }

  #leave(challengeId: string, room: Room): void {
    room.users -= 1;
    if (room.users > 0) return;
    room.release = this.surroundings.environment.after(RELEASE_MS, () => {
      this.#rooms.delete(challengeId);
      room.challenge.release();
      if (this.#rooms.size === 0) this.whenUnused();
    });
  }
}
