import { TokenVerifier } from '@tradesense/auth';
import { topicsOf } from '@tradesense/contracts';
import { MemoryKafka } from '@tradesense/kafka/testing';
import { AdminProblem, systemClock, type AdminActs } from '@tradesense/platform';

import { Access, accessActs } from '../../../../services/gateway/src/revocation/index.js';
import { JWT_SECRET, tokens } from '../../../support/tokens.js';

const { access, audit } = topicsOf();
const BLOCK = { user_id: 'ann', expires: '2100-01-01T00:00:00Z', reason: 'a test' };

let kafka: MemoryKafka;
let acts: AdminActs;
let authorization: string;
beforeEach(async () => {
  kafka = new MemoryKafka();
  kafka.create(access);
  kafka.create(audit);
  authorization = `Bearer ${await tokens.operator('anna')}`;
  acts = accessActs({
    verifier: new TokenVerifier({
      secret: JWT_SECRET,
      jwksUrl: '',
      issuer: 'tradesense',
      audience: 'tradesense',
      userClaim: 'sub',
    }),
    publisher: kafka.publisher({ topics: [access, audit] }),
    topics: { access: access.name, audit: audit.name },
    blocks: new Access(systemClock, () => 0, { access: () => undefined }).blocks,
    heads: () => Promise.resolve([]),
    clock: systemClock,
  });
});
const revoke = () =>
  acts({
    method: 'POST',
    path: '/access/revoke',
    query: new URLSearchParams(),
    authorization,
    body: () => Promise.resolve(BLOCK),
  });
const problemOf = (error: unknown) => {
  if (!(error instanceof AdminProblem)) throw error;
  const { status, outcome } = error.document;
  return { status, outcome };
};
const lengths = () => [kafka.log(audit.name, 0).end, kafka.log(access.name, 0).end];

it('an act that Kafka does not take in time is a 503 of unknown outcome, and may be sent again', async () => {
  kafka.failNextSend({ is: 'unclear', stored: false });
  expect(await revoke().catch(problemOf)).toEqual({ status: 503, outcome: 'unknown' });
  expect(await revoke()).toMatchObject({ status: 200 });
});

it('an act that can not be audited is not done', async () => {
  kafka.failNextSend({ is: 'unclear', stored: false });
  await revoke().catch(problemOf);
  expect(lengths()).toEqual([0n, 0n]);
});

it('operators beyond those who may wait are told so at once', async () => {
  const results = await Promise.all(Array.from({ length: 20 }, () => revoke().catch(problemOf)));
  expect(results.filter(({ status }) => status === 503).length).toBeGreaterThan(0);
  expect(results.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
});
