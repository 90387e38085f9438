import { readMoney, type Money } from '@tradesense/contracts';

import type { FieldError, Percent } from './program.js';

/** A JSON Pointer's next step. */
const step = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

/**
 * One object of a document, read field by field. Every fault is noted with its path, and reading goes on with some value, so
 * that all faults are named at once; what was read counts only if none was. Fields that nobody asked for are faults (`rest`).
 */
export class Reading {
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #asked = new Set<string>();

  constructor(
    readonly errors: FieldError[],
    readonly path: string,
    value: unknown,
  ) {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    if (!isObject) this.errors.push({ path, message: 'must be an object' });
    this.#fields = isObject ? (value as Record<string, unknown>) : {};
  }

  has(name: string): boolean {
    this.#asked.add(name);
    return Object.hasOwn(this.#fields, name);
  }

  value(name: string): unknown {
    return this.has(name) ? this.#fields[name] : undefined;
  }

  fault(name: string, message: string): void {
    this.errors.push({ path: `${this.path}/${step(name)}`, message });
  }

  object(name: string): Reading {
    return new Reading(this.errors, `${this.path}/${step(name)}`, this.value(name));
  }

  /** One of these words. */
  word<const Word extends string>(name: string, words: readonly [Word, ...Word[]]): Word {
    const value = this.value(name);
    const found = words.find((word) => word === value);
    if (found === undefined) this.fault(name, `must be one of ${words.join(', ')}`);
    return found ?? words[0];
  }

  text(name: string, pattern: RegExp, message: string): string {
    const value = this.value(name);
    if (typeof value === 'string' && pattern.test(value)) return value;
    this.fault(name, message);
    return '';
  }

  whole(name: string, { least, most }: { readonly least: number; readonly most: number }): number {
    const value = this.value(name);
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
    this.fault(name, `must be a whole number from ${least} to ${most}`);
    return least;
  }

  flag(name: string): boolean {
    const value = this.value(name);
    if (typeof value !== 'boolean') this.fault(name, 'must be true or false');
    return value === true;
  }

  /** An amount, at least `least`. */
  money(name: string, least: Money): Money {
    const reading = readMoney(this.value(name));
    if (reading.ok && reading.amount >= least) return reading.amount;
    const bound = least > 0n ? 'more than nothing' : 'not less than nothing';
    this.fault(name, `must be an amount like "2000.00", ${bound}`);
    return least;
  }

  /** More than nothing, at most `most`. */
  percent(name: string, most: Percent): Percent {
    const reading = readMoney(this.value(name));
    if (reading.ok && reading.amount > 0n && reading.amount <= most) return reading.amount as bigint as Percent;
    this.fault(name, `must be a percentage like "5.00", above 0 and at most ${most / 100n}`);
    return most;
  }

  list<Item>(name: string, least: number, read: (item: unknown, path: string) => Item): readonly Item[] {
    const value = this.value(name);
    const path = `${this.path}/${step(name)}`;
    if (Array.isArray(value) && value.length >= least)
      return value.map((item, index) => read(item, `${path}/${index}`));
    this.fault(name, least === 0 ? 'must be a list' : `must be a list of ${least} or more`);
    return [];
  }

  /** Last: names every field that was not asked for. */
  rest(): void {
    for (const name of Object.keys(this.#fields)) if (!this.#asked.has(name)) this.fault(name, 'is not known');
  }
}
