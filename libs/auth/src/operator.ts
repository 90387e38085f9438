import { AdminProblem, type AdminRequest } from '@tradesense/platform';

import { bearerOf, type TokenVerifier } from './verifier.js';

const LONGEST_WHO = 128;
const REFUSALS = {
  unauthorized: 'unauthenticated',
  token_expired: 'token-expired',
  unavailable: 'keys-unavailable',
} as const;

/** Who asks for an act at an admin listener: the operator's name. @throws AdminProblem where the token does not allow it */
export async function operatorWith(
  scope: 'ops:read' | 'ops:write',
  { authorization }: Pick<AdminRequest, 'authorization'>,
  verifier: Pick<TokenVerifier, 'verify'>,
): Promise<string> {
  const verification = await verifier.verify(bearerOf(authorization));
  if (!verification.ok) throw new AdminProblem(REFUSALS[verification.code]);
  const { identity } = verification;
  if (identity.is !== 'machine' || !identity.scopes.has(scope))
    throw new AdminProblem('forbidden', `This needs a token with the scope ${scope}.`);
  const { subject } = identity;
  if (subject === '' || subject.length > LONGEST_WHO || /\p{Cc}/u.test(subject))
    throw new AdminProblem('forbidden', `The token must name its operator in sub, in 1 to ${LONGEST_WHO} characters.`);
  return subject;
}
