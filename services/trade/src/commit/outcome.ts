import type { Refusal, Unchanged } from '../domain/index.js';
import type { FirstAnswer } from '../store/index.js';

type Conflict = 'trade-conflict' | 'act-conflict' | 'challenge-exists';
export type RefusalCode = Refusal['code'] | 'not-found' | Conflict | 'earlier-unknown';

/**
 * What became of a command. `answer` is JSON text, kept and repeated byte for byte. `tellInMs`: when a roll will tell equity that
 * marks have moved and nobody was told.
 */
export type Outcome =
  | {
      readonly is: 'accepted';
      readonly answer: string;
      readonly replayed: boolean;
      readonly tellInMs?: number | null;
    }
  | { readonly is: 'unchanged'; readonly why: Unchanged; readonly tellInMs?: number | null }
  | { readonly is: 'refused'; readonly refusal: Refusal | { readonly code: Exclude<RefusalCode, Refusal['code']> } };

export const refused = (refusal: (Outcome & { is: 'refused' })['refusal']): Outcome => ({ is: 'refused', refusal });

/** A known id: the same meaning gets the first answer again, another meaning is a conflict. */
export const repeat = (first: FirstAnswer, meaning: Buffer, conflict: Conflict): Outcome =>
  first.meaning.equals(meaning)
    ? { is: 'accepted', answer: first.answer, replayed: true }
    : refused({ code: conflict });
