import { ApiExtension } from '@nestjs/swagger';
import type { ProblemCode } from '@tradesense/contracts';

import type { AnswerName } from './answers.js';
import type { HeaderName } from './headers.js';

/** What the code of a route does not say by itself; a route without it is described all the same, only less exactly. */
export interface Description {
  /** What it does, in a sentence. */
  readonly says?: string;
  /** A body that it takes. */
  readonly sends?: object;
  /** The shape of its answer. */
  readonly answers?: AnswerName;
  /** Of its answer, besides those that all have. */
  readonly headers?: readonly HeaderName[];
  /** Refusals of its own, besides those that its audience, its body and its path bring with them. */
  readonly problems?: readonly ProblemCode[];
}

export const DESCRIPTION = 'x-description';
export const Described = (description: Description) => ApiExtension(DESCRIPTION, description);
