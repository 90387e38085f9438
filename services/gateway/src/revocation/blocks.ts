import type { Identity } from '@tradesense/auth';
import {
  accessKeyOf,
  readAccessKey,
  readInstant,
  type AccessBlock,
  type AccessTarget,
  type ChallengeId,
  type Instant,
} from '@tradesense/contracts';
import { Page, inSlices } from '@tradesense/platform';

import type { AccessTaken } from '../intake/index.js';

/** A block with its target, as operators see it. */
export interface ListedBlock extends Partial<AccessBlock>, AccessTarget {
  readonly key: string;
}

interface Block {
  /** As it was written; undefined: it can't be read. */
  readonly written: AccessBlock | undefined;
  /** Milliseconds since 1970. Tokens issued before then are meant; Infinity: all. */
  readonly notBeforeMs: number;
  readonly expiresMs: number;
}

type Holder = Pick<Identity & { readonly is: 'user' }, 'userId' | 'tokenId' | 'issuedAt'>;

/** Whoever wrote it meant to shut somebody out, and may have meant all of it: it holds until a readable record takes its place. */
const UNREADABLE: Block = { written: undefined, notBeforeMs: Infinity, expiresMs: Infinity };

/**
 * Who is shut out, as the access topic says. Pure: records and the time come as arguments. Blocks only ever soften with time, so
 * whoever has looked needs to look again only when `version` has moved.
 */
export class Blocks {
  readonly #byKey = new Map<string, Block>();
  #version = 0;

  get version(): number {
    return this.#version;
  }
  get size(): number {
    return this.#byKey.size;
  }

  take(key: string, value: Buffer | null): AccessTaken {
    const target = readAccessKey(key);
    if (target === undefined) return 'nobody';
    if (value === null) {
      this.#byKey.delete(key);
      return 'restored';
    }
    const block = readBlock(value);
    this.#byKey.set(key, block ?? UNREADABLE);
    this.#version += 1;
    return block === undefined ? 'spoilt' : 'blocked';
  }

  /** The user, or this token of theirs. */
  bars({ userId, tokenId, issuedAt }: Holder, nowMs: number): boolean {
    if (this.#holds({ kind: 'user', id: userId }, issuedAt, nowMs)) return true;
    return tokenId !== undefined && this.#holds({ kind: 'token', id: tokenId }, issuedAt, nowMs);
  }

  /** The room of this challenge, for who holds this token. */
  closes(challengeId: ChallengeId, { issuedAt }: Holder, nowMs: number): boolean {
    return this.#holds({ kind: 'challenge', id: challengeId }, issuedAt, nowMs);
  }

  /** Those that are over. */
  async forget(nowMs: number): Promise<void> {
    const forget = ([key, { expiresMs }]: [string, Block]): void => {
      if (expiresMs <= nowMs) this.#byKey.delete(key);
    };
    await inSlices(this.#byKey, forget);
  }

  /** In order of their keys, beyond `after`. */
  async list(after: string, limit: number): Promise<readonly ListedBlock[]> {
    const page = new Page<ListedBlock>(after, limit);
    const look = ([key, { written }]: [string, Block]): void =>
      page.offer(key, () => ({ key, ...(readAccessKey(key) as AccessTarget), ...written }));
    await inSlices(this.#byKey, look);
    return page.items;
  }

  #holds(target: AccessTarget, issuedAtS: number, nowMs: number): boolean {
    if (this.#byKey.size === 0) return false;
    const block = this.#byKey.get(accessKeyOf(target));
    return block !== undefined && nowMs < block.expiresMs && issuedAtS * 1000 < block.notBeforeMs;
  }
}

function readBlock(value: Buffer): Block | undefined {
  let written: Partial<AccessBlock> | null;
  try {
    written = JSON.parse(value.toString('utf8')) as Partial<AccessBlock> | null;
  } catch {
    return undefined;
  }
  if (typeof written !== 'object' || written === null) return undefined;
  const expires = readInstant(written.expires);
  if (!expires.ok) return undefined;
  if (written.not_before === undefined)
    return { written: written as AccessBlock, notBeforeMs: Infinity, expiresMs: millisOf(expires.at) };
  const notBefore = readInstant(written.not_before);
  if (!notBefore.ok) return undefined;
  return {
    written: written as AccessBlock,
    notBeforeMs: millisOf(notBefore.at),
    expiresMs: millisOf(expires.at),
  };
}

const millisOf = (at: Instant): number => Number(at / 1000n);
