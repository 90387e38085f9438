import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

import { PROBLEMS, problemType, type Problem, type ProblemCode } from '@tradesense/contracts';

/** What operators do at a service stands below this path. */
export const ACTS = '/admin/v1';
const MOST_BODY_BYTES = 64 * 1024;

/** A request below `/admin/v1`. Who may send it is the service's to decide: nothing has been checked. */
export interface AdminRequest {
  readonly method: string;
  /** Behind `/admin/v1`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  /** The body, read as JSON; undefined without one. @throws AdminProblem when it is too large or no JSON */
  body(): Promise<unknown>;
}

/** `body` is sent as JSON. */
export interface AdminAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Answers, or throws an `AdminProblem`. */
export type AdminActs = (request: AdminRequest) => Promise<AdminAnswer>;

/** A request ends with an entry of the error catalogue. */
export class AdminProblem extends Error {
  constructor(
    readonly code: ProblemCode,
    /** For people; absent: the catalogue's first step. */
    readonly detail?: string,
    options?: ErrorOptions & { readonly outcome?: Problem['outcome'] },
  ) {
    super(detail ?? code, options);
    this.outcome = options?.outcome ?? 'not_applied';
  }

  readonly outcome: Problem['outcome'];

  readonly requestId = randomUUID();

  get document(): Problem {
    const { status, title, firstStep } = PROBLEMS[this.code];
    const detail = this.detail ?? firstStep;
    const { code, requestId: request_id, outcome } = this;
    return { type: problemType(code), status, title, detail, request_id, outcome };
  }
}

export const invalidRequest = (detail: string): AdminProblem => new AdminProblem('invalid-request', detail);

/** The `limit` of a list, 100 unless asked otherwise. @throws AdminProblem */
export function limitOf(query: URLSearchParams, most: number): number {
  const text = query.get('limit') ?? '100';
  if (!/^\d{1,9}$/.test(text) || Number(text) < 1 || Number(text) > most)
    throw invalidRequest(`limit must be a number from 1 to ${most}.`);
  return Number(text);
}

export function adminRequestOf(message: IncomingMessage, url: URL): AdminRequest {
  return {
    method: message.method ?? 'GET',
    path: url.pathname.slice(ACTS.length),
    query: url.searchParams,
    authorization: message.headers.authorization,
    body: () => bodyOf(message),
  };
}

async function bodyOf(message: IncomingMessage): Promise<unknown> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of message as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > MOST_BODY_BYTES) throw new AdminProblem('too-large', 'Send at most 64 KiB.');
      pieces.push(piece);
    }
  } catch (error) {
    throw error instanceof AdminProblem ? error : new AdminProblem('malformed-json', 'The body ended early.');
  }
  if (bytes === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(pieces).toString());
  } catch {
    throw new AdminProblem('malformed-json');
  }
}
