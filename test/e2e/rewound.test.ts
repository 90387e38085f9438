import { createChallengeClient } from '@tradesense/client';
import type { ChallengeState } from '@tradesense/contracts';
import type { Stack } from '@tradesense/local';

import { DataDirectoryCopy } from '../support/data-directory.js';
import { given } from '../support/given.js';
import { handledOnce, type Numbered } from '../support/invariants.js';
import { Operator } from '../support/operator.js';
import { groundOn, privateStack } from '../support/stack.js';
import { System } from '../support/system.js';
import { tokens } from '../support/tokens.js';
import { until } from '../support/until.js';

const WITHIN = { withinMs: 30_000 };
/** Trades before the copy, after it, between the restore and the bump, and after the bump. */
const TRADES = { kept: 4, lost: 6, withheld: 3, after: 10 };

/** A page with one challenge open, as a browser has it: what it shows, and what its handler was given. */
async function openPage(url: string, { challenge_id, user_id }: ChallengeState) {
  const client = createChallengeClient({ url, token: await tokens.user(user_id) });
  const challenge = client.challenge(challenge_id);
  const handled: (Numbered & { readonly type: string })[] = [];
  const leave = [
    challenge.subscribe(() => undefined),
    challenge.onEvent(({ type, body }) => handled.push({ type, ...body })),
  ];
  return {
    handled,
    get view() {
      return challenge.getSnapshot();
    },
    close: () => leave.forEach((end) => end()),
  };
}
type Page = Awaited<ReturnType<typeof openPage>>;

describe('a database that was set back while a page is open', () => {
  let stack: Stack;
  let system: System;
  let operator: Operator;
  const pages: Page[] = [];

  beforeAll(async () => {
    stack = await privateStack();
    system = await System.start(groundOn(stack), { env: { gateway: { STALE_MS: '3000' } } });
    operator = await Operator.at(() => system.service('trade'));
  });
  afterAll(async () => {
    for (const page of pages) page.close();
    // A room is left a second after its last user, and the socket after the last room.
    await until(
      () => system.service('gateway').metric('tradesense_gateway_connections'),
      (count) => count === 0,
      { what: 'the pages have left' },
    );
    await system?.stop();
    await stack?.stop();
  });

  const trade = async (challengeId: string, count: number, first = 1): Promise<ChallengeState> => {
    for (let turn = 0; turn < count; turn += 1)
      await system.api.post(challengeId, { realized_pnl: `${first + turn}.00` });
    return system.api.read(challengeId);
  };
  /** Until the page shows, live, what trade answers. */
  const converged = (page: Page, challengeId: string) =>
    until(
      async () => ({ shown: page.view, answered: await system.api.read(challengeId) }),
      ({ shown, answered }) =>
        shown.connection.is === 'live' &&
        shown.cursor?.epoch === answered.epoch &&
        shown.cursor.sequence === answered.sequence,
      { ...WITHIN, what: 'the page shows, live, what trade answers' },
    );

  it('trades on, publishes nothing, and with a new epoch shows every page the state there is, then all that follows', async () => {
    const [traded, quiet, ended] = [await system.api.open(), await system.api.open(), await system.api.open()];
    for (const challenge of [traded, quiet]) pages.push(await openPage(system.gatewayUrl, challenge));
    const [page, other] = pages as [Page, Page];
    await trade(traded.challenge_id, TRADES.kept);
    await trade(quiet.challenge_id, TRADES.kept);
    await converged(page, traded.challenge_id);

    await Promise.all([system.service('trade').stop(), system.service('relay').stop()]);
    const backup = await DataDirectoryCopy.of(stack);
    await Promise.all([system.start('trade'), system.start('relay')]);
    await trade(traded.challenge_id, TRADES.lost, 100);
    await trade(quiet.challenge_id, TRADES.lost, 100);
    const gone = await system.api.open(); // the restored database never heard of it
    await system.api.post(ended.challenge_id, { realized_pnl: '-600.00' }); // nor of this end
    await Promise.all([converged(page, traded.challenge_id), converged(other, quiet.challenge_id)]);
    const before = page.view.cursor!;
    expect(before.sequence).toBe(TRADES.kept + TRADES.lost);

    await Promise.all([system.service('trade').stop(), system.service('relay').stop()]);
    await backup.restore();
    const relay = await system.begin('relay');
    await system.start('trade');
    await relay.refuses(/history_rewound: .*challenge-events\[\d+\] at offset \d+ /);
    expect(relay.logged('history_rewound: nothing is published')).not.toEqual([]);

    // Trading goes on: `post` fails for anything but 201.
    const withheld = await trade(traded.challenge_id, TRADES.withheld, 200);
    expect(withheld).toMatchObject({ epoch: before.epoch, sequence: TRADES.kept + TRADES.withheld });
    expect((await system.api.request('GET', `/v1/challenges/${gone.challenge_id}`)).status).toBe(404);
    expect((await relay.readiness()).status).toBe(503);
    expect(page.view.cursor).toEqual(before);
    await until(() => page.view.isStale, Boolean, { ...WITHIN, what: 'the page says that it is not live' });

    const answer = await operator.send('POST', '/epoch/bump', { why: 'the backup is the one to keep' });
    expect(answer.status).toBe(200);
    const { epoch } = (await answer.json()) as { epoch: number };
    await relay.ready();
    await Promise.all([converged(page, traded.challenge_id), converged(other, quiet.challenge_id)]);
    for (const [shown, { challenge_id }] of [
      [page, traded],
      [other, quiet],
    ] as const) {
      const { event_id: _, ...state } = await system.api.read(challenge_id);
      expect(state.epoch).toBe(epoch);
      expect(shown.view.snapshot).toMatchObject(state);
      expect(shown.view.equityData).toMatchObject(state.equity);
    }
    expect(page.view.equityData?.total_trades).toBe(TRADES.kept + TRADES.withheld);
    expect(other.view.equityData?.total_trades).toBe(TRADES.kept);
    expect(await system.api.read(ended.challenge_id)).toMatchObject({ status: 'ACTIVE', epoch });

    for (const realized_pnl of given.swings(TRADES.after)) await system.api.post(traded.challenge_id, { realized_pnl });
    await converged(page, traded.challenge_id);
    const after = page.handled.filter((event) => event.epoch === epoch);
    const figures = after.filter(({ type }) => type === 'EQUITY_UPDATED').map(({ sequence }) => sequence);
    const [firstTrade = 0] = figures;
    expect(figures).toEqual(Array.from({ length: TRADES.after }, (_, index) => firstTrade + index));
    expect(handledOnce(page.handled)).toEqual([]);
    expect(page.view.equityData).toMatchObject((await system.api.read(traded.challenge_id)).equity);
  });
});
