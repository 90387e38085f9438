import type { FieldError } from '@tradesense/contracts';
import { ValidationTypes, getMetadataStorage, type ValidationArguments } from 'class-validator';

export type BodyClass<Body extends object> = new () => Body;

interface Rule {
  readonly isKept: (value: unknown) => boolean;
  readonly message: string;
}
interface Field {
  readonly name: string;
  readonly mayBeAbsent: boolean;
  readonly rules: readonly Rule[];
}

export const pointer = (path: string, key: string): string =>
  `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;

/** What class-validator's decorators say of a class of bodies, put together once. A field that they do not name is refused. */
export class Rules {
  readonly #fields: readonly Field[];
  readonly #names: ReadonlySet<string>;

  constructor(kind: BodyClass<object>) {
    const said = storage.getTargetValidationMetadatas(kind, '', false, false);
    this.#names = new Set(said.map(({ propertyName }) => propertyName));
    this.#fields = [...this.#names].map((name) => {
      const own = said.filter(({ propertyName }) => propertyName === name);
      return { name, mayBeAbsent: own.some(isCondition), rules: own.filter((one) => !isCondition(one)).map(ruleOf) };
    });
  }

  /** Every field at fault, by its JSON Pointer. */
  faultsOf(body: object): readonly FieldError[] {
    const errors: FieldError[] = [];
    for (const name of Object.keys(body))
      if (!this.#names.has(name)) errors.push({ path: pointer('', name), message: 'is not a known field' });
    for (const { name, mayBeAbsent, rules } of this.#fields) {
      const value = (body as Readonly<Record<string, unknown>>)[name];
      if (mayBeAbsent && (value === undefined || value === null)) continue;
      const broken = rules.filter(({ isKept }) => !isKept(value));
      if (broken.length > 0)
        errors.push({ path: pointer('', name), message: broken.map(({ message }) => message).join('; ') });
    }
    return errors;
  }
}

const storage = getMetadataStorage();
type Said = ReturnType<typeof storage.getTargetValidationMetadatas>[number];

/** `@IsOptional()`: the only condition that bodies use. */
const isCondition = ({ type }: Said): boolean => type === ValidationTypes.CONDITIONAL_VALIDATION;

/** @throws RangeError for a kind of rule that no body has used before, such as nested ones */
function ruleOf({ type, constraintCls, constraints, message, propertyName }: Said): Rule {
  const [found] =
    type === ValidationTypes.CUSTOM_VALIDATION ? storage.getTargetValidatorConstraints(constraintCls) : [];
  if (found === undefined) throw new RangeError(`a rule of ${propertyName} is not understood: ${type}`);
  const { instance } = found;
  const about = { constraints, property: propertyName } as ValidationArguments; // ours look at nothing else
  return {
    isKept: (value) => instance.validate(value, about) === true,
    message: typeof message === 'string' ? message : (instance.defaultMessage?.(about) ?? ''),
  };
}

const known = new WeakMap<BodyClass<object>, Rules>();

export function rulesOf(kind: BodyClass<object>): Rules {
  const rules = known.get(kind) ?? new Rules(kind);
  known.set(kind, rules);
  return rules;
}
