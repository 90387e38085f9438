import { Injectable, type ArgumentMetadata, type PipeTransform } from '@nestjs/common';

import { ProblemError } from './problem.js';
import { rulesOf, type BodyClass } from './rules.js';

/**
 * Form only; every wrong field is named. Not Nest's ValidationPipe: class-validator looks its rules up at every request, and
 * class-transformer builds instances twice. A trade of eight fields takes 29 µs there, 33 without transforming, 6 here.
 */
@Injectable()
export class BodyPipe implements PipeTransform<unknown> {
  transform(value: unknown, { type, metatype }: ArgumentMetadata): unknown {
    if (type !== 'body' || metatype === undefined) return value;
    // A request without a body and without a type of one comes past every parser.
    if (value === undefined) throw new ProblemError('malformed-json');
    return bodyOf(metatype as BodyClass<object>, value as object);
  }
}

/** @throws ProblemError `invalid-request` */
export function bodyOf<Body extends object>(kind: BodyClass<Body>, value: object): Body {
  const errors = rulesOf(kind).faultsOf(value);
  if (errors.length > 0) throw new ProblemError('invalid-request', { errors });
  return Object.assign(new kind(), value);
}
