import type { LimitRule, Money, Severity } from '@tradesense/contracts';

/** A verdict with what it was made from. */
export type Decision =
  | {
      readonly is: 'breach';
      readonly rule: LimitRule;
      readonly reference: Money;
      readonly floor: Money;
      readonly equity: Money;
    }
  | { readonly is: 'pass'; readonly target: Money; readonly equity: Money }
  | {
      readonly is: 'alert';
      readonly rule: LimitRule;
      readonly severity: Severity;
      readonly tier: string;
      readonly reference: Money;
      readonly equity: Money;
    };
