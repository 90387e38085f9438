import { readFileSync } from 'node:fs';

import { SOCKET_CODES, SOCKET_EVENT } from '@tradesense/contracts';

import { inRepository } from '../../support/repository.js';

const page = readFileSync(inRepository('docs/protocol.md'), 'utf8');
const codes = [...page.matchAll(/^\| `(\w+)` +\| (terminal|retry)/gm)].map(([, code, kind]) => [code, kind]);

it('the page of the protocol has every code, and says of each what the code says', () => {
  const known = Object.entries(SOCKET_CODES).map(([code, { terminal }]) => [code, terminal ? 'terminal' : 'retry']);
  expect(Object.fromEntries(codes)).toEqual(Object.fromEntries(known));
});

it.each([...Object.values(SOCKET_EVENT), 'joined_challenge', 'snapshot', 'freshness', 'access_revoked', 'going_away'])(
  'the page of the protocol has %s',
  (name) => expect(page).toContain(`\`${name}\``),
);
