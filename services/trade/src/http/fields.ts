import { MONEY_PATTERN, UUID_PATTERN, readInstant } from '@tradesense/contracts';
import { Matches, ValidateBy, type ValidationOptions } from 'class-validator';

/** Kinds of field, each with its one sentence. They look at form only; what a form means is said where the body becomes a command. */
export const IsId = (): PropertyDecorator =>
  Matches(new RegExp(UUID_PATTERN), { message: 'must be a UUID in lower case' });

/** A string: a JSON number has been a float on its way (pitfall M1). */
export const IsMoney = (): PropertyDecorator =>
  Matches(new RegExp(MONEY_PATTERN), { message: 'must be a decimal string such as "-120.50"' });

const by = (name: string, validate: (value: unknown) => boolean, message: string, options?: ValidationOptions) =>
  ValidateBy({ name, validator: { validate, defaultMessage: () => message } }, options);

export const IsInstant = (): PropertyDecorator =>
  by('isInstant', (value) => readInstant(value).ok, 'must be an RFC 3339 time such as "2026-01-31T12:00:00Z"');

/** Characters as people count them; not blank. */
export const IsText = ({ longest }: { readonly longest: number }): PropertyDecorator =>
  by(
    'isText',
    (value) =>
      typeof value === 'string' && value.trim() !== '' && [...value.slice(0, 2 * longest + 1)].length <= longest,
    `must be a text of 1 to ${longest} characters`,
  );

export const IsQuantity = (): PropertyDecorator =>
  Matches(/^\d{1,12}(\.\d{1,8})?$/, { message: 'must be a decimal string such as "0.10"' });

/** Absent and null alike. */
export { IsOptional } from 'class-validator';
