import { bodyOf } from './body.pipe.js';
import { ProblemError, problemOf } from './problem.js';
import type { BodyClass } from './rules.js';

export interface Items<Command> {
  /** Those that can be done, with their places in the list. */
  readonly good: readonly { readonly index: number; readonly command: Command }[];
  readonly bad: readonly { readonly index: number; readonly problem: ProblemError }[];
}

/** Reads a list whose items stand or fall each on its own. */
export function itemsOf<Body extends object, Command>(
  kind: BodyClass<Body>,
  list: readonly unknown[],
  { name, command }: { readonly name: string; readonly command: (body: Body) => Command },
): Items<Command> {
  const good: { index: number; command: Command }[] = [];
  const bad: { index: number; problem: ProblemError }[] = [];
  for (const [index, item] of list.entries())
    try {
      if (typeof item !== 'object' || item === null || Array.isArray(item))
        throw new ProblemError('invalid-request', { errors: [{ path: '', message: 'must be a JSON object' }] });
      good.push({ index, command: command(bodyOf(kind, item)) });
    } catch (error) {
      bad.push({ index, problem: within(`/${name}/${index}`, problemOf(error)) });
    }
  return { good, bad };
}

/** A problem of one item, with its fields named by their places in the whole body. */
export const within = (at: string, problem: ProblemError): ProblemError => {
  const { errors } = problem.details;
  if (errors === undefined) return problem;
  const placed = errors.map(({ path, message }) => ({ path: `${at}${path}`, message }));
  return new ProblemError(problem.code, { ...problem.details, errors: placed }, { cause: problem.cause });
};
