import type { Told } from './telling.js';

/** A command that a rule forbids. `path` is the field at fault, as a JSON Pointer. */
export type Refusal =
  | { readonly code: 'challenge-closed' }
  | { readonly code: 'rule-violation'; readonly path: string; readonly message: string };

/** `meanwhile`: what days that ended before the command came have told; it is to be written, refusal or not. */
export interface Refused {
  readonly is: 'refused';
  readonly refusal: Refusal;
  readonly meanwhile?: Told;
}

export const violation = (path: string, message: string): Refused => ({
  is: 'refused',
  refusal: { code: 'rule-violation', path, message },
});
