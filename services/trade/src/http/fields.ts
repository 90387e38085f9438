import { applyDecorators } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { INSTANT_PATTERN, MONEY_PATTERN, USER_ID_MAX_LENGTH, UUID_PATTERN, readInstant } from '@tradesense/contracts';
import { IsIn, IsOptional as MayBeAbsent, Matches, ValidateBy } from 'class-validator';

import type { BodyClass } from './rules.js';

/**
 * Kinds of field, each with its one sentence, its rule and what the API's description says of it. They look at form only; what
 * a form means is said where the body becomes a command.
 */
export const IsId = (): PropertyDecorator =>
  applyDecorators(
    Matches(new RegExp(UUID_PATTERN), { message: 'must be a UUID in lower case' }),
    ApiProperty({ type: String, pattern: UUID_PATTERN }),
  );

/** A string: a JSON number has been a float on its way (pitfall M1). */
export const IsMoney = ({ example = '-120.50' } = {}): PropertyDecorator =>
  applyDecorators(
    Matches(new RegExp(MONEY_PATTERN), { message: 'must be a decimal string such as "-120.50"' }),
    ApiProperty({ type: String, pattern: MONEY_PATTERN, example }),
  );

const by = (name: string, validate: (value: unknown) => boolean, message: string): PropertyDecorator =>
  ValidateBy({ name, validator: { validate, defaultMessage: () => message } });

export const IsInstant = (): PropertyDecorator =>
  applyDecorators(
    by('isInstant', (value) => readInstant(value).ok, 'must be an RFC 3339 time such as "2026-01-31T12:00:00Z"'),
    ApiProperty({ type: String, format: 'date-time', pattern: INSTANT_PATTERN, example: '2026-01-31T12:00:00Z' }),
  );

const CONTROL = '\\u0000-\\u001f\\u007f-\\u009f';
/** Not blank; that no control character is in it, or in any other string, is seen when the body is read. */
const TEXT = `^[^${CONTROL}]*[^\\s${CONTROL}][^${CONTROL}]*$`;

/** Characters as people count them; not blank. */
export const IsText = ({ longest }: { readonly longest: number }): PropertyDecorator =>
  applyDecorators(
    by(
      'isText',
      (value) =>
        typeof value === 'string' && value.trim() !== '' && [...value.slice(0, 2 * longest + 1)].length <= longest,
      `must be a text of 1 to ${longest} characters`,
    ),
    ApiProperty({ type: String, minLength: 1, maxLength: longest, pattern: TEXT }),
  );

export const IsUserId = (): PropertyDecorator => IsText({ longest: USER_ID_MAX_LENGTH });

const QUANTITY = '^\\d{1,12}(\\.\\d{1,8})?$';
export const IsQuantity = (): PropertyDecorator =>
  applyDecorators(
    Matches(new RegExp(QUANTITY), { message: 'must be a decimal string such as "0.10"' }),
    ApiProperty({ type: String, pattern: QUANTITY, example: '0.10' }),
  );

export const IsOneOf = (words: readonly string[]): PropertyDecorator =>
  applyDecorators(
    IsIn(words, { message: `must be ${words.join(' or ')}` }),
    ApiProperty({ type: String, enum: [...words] }),
  );

/** Its length only: each item is looked at on its own. */
export const IsListOf = (item: BodyClass<object>, { most }: { readonly most: number }): PropertyDecorator =>
  applyDecorators(
    by(
      'isList',
      (value) => Array.isArray(value) && value.length >= 1 && value.length <= most,
      `must be a list of 1 to ${most}`,
    ),
    ApiProperty({ type: [item], minItems: 1, maxItems: most }),
  );

/** Absent and null alike. */
export const IsOptional = (): PropertyDecorator =>
  applyDecorators(MayBeAbsent(), ApiProperty({ required: false, nullable: true }));
