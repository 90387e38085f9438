import type { FastifyReply } from 'fastify';

import type { Outcome, Settled } from '../commit/index.js';
import { ProblemError, problemOf } from './problem.js';

/** @throws ProblemError for what was refused. An acceptance is text already, so that a repeated one is the same byte for byte. */
export function answer(outcome: Outcome, reply: FastifyReply): string {
  const accepted = acceptedOf(outcome);
  if (accepted instanceof ProblemError) throw accepted;
  reply.header('content-type', 'application/json; charset=utf-8');
  if (accepted.replayed) reply.header('idempotent-replayed', 'true');
  return accepted.answer;
}

/** What was accepted, or the problem that tells why not. */
export function acceptedOf(settled: Settled): (Outcome & { readonly is: 'accepted' }) | ProblemError {
  switch (settled.is) {
    case 'accepted':
      return settled;
    case 'failed':
      return problemOf(settled.fault);
    case 'unchanged':
      return problemOf(new Error('a command of the API that changes nothing'));
    case 'refused':
      return refusalProblem(settled.refusal);
  }
}

export function refusalProblem(refusal: (Outcome & { readonly is: 'refused' })['refusal']): ProblemError {
  if (refusal.code !== 'rule-violation') return new ProblemError(refusal.code);
  const { path, message } = refusal;
  return new ProblemError('rule-violation', { errors: [{ path, message }] });
}
