import type { Identity } from '@tradesense/auth';
import type { ChallengeId } from '@tradesense/contracts';
import type { Clock } from '@tradesense/platform';

import type { AccessSink, AccessTaken } from '../intake/index.js';
import { Blocks } from './blocks.js';

type User = Identity & { readonly is: 'user' };

/** `unknown`: nobody can say at the moment. */
export type Standing = 'admitted' | 'revoked' | 'unknown';

/** What is counted; nothing here changes what happens. */
export interface AccessSignals {
  access(taken: AccessTaken): void;
}

/** So long may the topic be silent before nobody new is let in on what it said last. */
export const BLIND_AFTER_MS = 30_000;

/**
 * Asked wherever somebody comes in: at a handshake, a refresh, a join. Who is in already looks again when `version` moves. While
 * Kafka is away a revocation may wait there that nobody here knows of; after half a minute nobody new is let in on
 * what was known before, and who is in stays (design 8.5).
 */
export class Access implements AccessSink {
  readonly blocks = new Blocks();

  constructor(
    private readonly clock: Clock,
    /** How long ago the topic was last read, or asked in vain for more. */
    private readonly idleMs: () => number,
    private readonly signals: AccessSignals,
  ) {}

  /** A record of the topic. */
  take(key: string, value: Buffer | null): AccessTaken {
    const taken = this.blocks.take(key, value);
    this.signals.access(taken);
    return taken;
  }

  /** Blocks that are over are forgotten; called now and then. */
  sweep(): Promise<void> {
    return this.blocks.forget(this.clock.now());
  }

  get version(): number {
    return this.blocks.version;
  }

  bars(user: User): boolean {
    return this.blocks.bars(user, this.clock.now());
  }
  closes(challengeId: ChallengeId, user: User): boolean {
    return this.blocks.closes(challengeId, user, this.clock.now());
  }

  /** Whether somebody may come in. */
  standingOf(user: User): Standing {
    if (this.bars(user)) return 'revoked';
    return this.idleMs() > BLIND_AFTER_MS ? 'unknown' : 'admitted';
  }

  /** Whether somebody who is in may join this challenge, as far as revocation is concerned. */
  standingAt(challengeId: ChallengeId, user: User): Standing {
    return this.closes(challengeId, user) ? 'revoked' : this.standingOf(user);
  }
}
