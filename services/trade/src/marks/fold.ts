import type { ChallengeId } from '@tradesense/contracts';

import type { MarkCommand } from '../domain/index.js';
import type { MarkOutcome } from '../commit/index.js';

/** The marks of one request for one challenge, in the order of the request. */
export interface Part {
  readonly marks: readonly MarkCommand[];
  readonly traceparent: string | null;
  readonly arrivedMs: number;
  /** Called once, with one outcome for each mark, in the same order. */
  readonly settle: (outcomes: readonly MarkOutcome[]) => void;
}

/** Marks of several requests as they are decided: in price-time order, equal times as they arrived. */
export interface Folded {
  readonly marks: readonly MarkCommand[];
  /** Of the first request among them. */
  readonly traceparent: string | null;
  /** Hands each request its outcomes. `outcomes` are in the order of `marks`. */
  readonly settle: (outcomes: readonly MarkOutcome[]) => void;
}

const byPriceTime = (a: { readonly mark: MarkCommand }, b: { readonly mark: MarkCommand }): number =>
  a.mark.priceTime < b.mark.priceTime ? -1 : Number(a.mark.priceTime > b.mark.priceTime);

export function foldOf(parts: readonly Part[]): Folded {
  const placed = parts.flatMap(({ marks }, part) => marks.map((mark, place) => ({ mark, part, place })));
  placed.sort(byPriceTime);
  return {
    marks: placed.map(({ mark }) => mark),
    traceparent: parts[0]?.traceparent ?? null,
    settle(outcomes) {
      const of: MarkOutcome[][] = parts.map(() => []);
      for (const [index, { part, place }] of placed.entries()) of[part]![place] = outcomes[index]!;
      for (const [part, { settle }] of parts.entries()) settle(of[part]!);
    },
  };
}

/** What a request asks of each challenge, with each mark's place in the request. */
export function byChallenge(
  commands: readonly MarkCommand[],
): ReadonlyMap<ChallengeId, { readonly marks: MarkCommand[]; readonly indexes: number[] }> {
  const groups = new Map<ChallengeId, { readonly marks: MarkCommand[]; readonly indexes: number[] }>();
  for (const [index, mark] of commands.entries()) {
    const group = groups.get(mark.challengeId) ?? { marks: [], indexes: [] };
    groups.set(mark.challengeId, group);
    group.marks.push(mark);
    group.indexes.push(index);
  }
  return groups;
}
