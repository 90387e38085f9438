/** @jest-environment ./test/bin/jest-page-environment.mjs */
import { act, cleanup, render, renderHook } from '@testing-library/react';
import { StrictMode, type ReactNode } from 'react';

import { ChallengeProvider, useLiveChallenge } from '@tradesense/react';
import { ClientPool, createChallengeClient } from '@tradesense/client';
import { clientDouble } from '@tradesense/client/testing';

import { Clients } from '../../../libs/react/src/challenge-provider.js';
import { ClientWorld } from '../../support/client-world.js';
import { History } from '../../support/facts.js';
import { tokenOf } from '../../support/page.js';

let world = new ClientWorld();
let clients = new ClientPool(world);

const history = new History();
const { challengeId } = history;
const mine = tokenOf(history.userId);

beforeEach(() => {
  world = new ClientWorld();
  clients = new ClientPool(world);
});
afterEach(async () => {
  cleanup();
  await world.advance(2_000);
  expect(world.openWires).toEqual([]);
});

const joined = (challenge: History = history): void => {
  const { cursor } = challenge;
  const names = { challenge_id: challenge.challengeId };
  const snapshot = challenge.state().body;
  world.wire.say('joined_challenge', { ...names, ...cursor, recovered: false, reason: 'no_cursor', snapshot });
  world.wire.say('freshness', { ...names, state: 'live', as_of: '2026-11-25T10:00:00Z' });
};
const goLive = (): Promise<void> =>
  act(async () => {
    await world.settle();
    joined();
  });
const trade = (): Promise<void> => act(async () => world.wire.say('equity_updated', history.equity().body));

/** The hook on a page whose clients live in the test's world. */
const wrapper = ({ children }: { readonly children: ReactNode }): ReactNode => (
  <Clients.Provider value={clients}>{children}</Clients.Provider>
);
const strict = ({ children }: { readonly children: ReactNode }): ReactNode => (
  <StrictMode>{wrapper({ children })}</StrictMode>
);

describe('useLiveChallenge', () => {
  it('gives exactly the seed`s seven and our four', async () => {
    const { result } = renderHook(() => useLiveChallenge(challengeId, mine), { wrapper });
    await goLive();
    expect(Object.keys(result.current).sort()).toEqual(
      [
        ...['equityData', 'statusData', 'riskAlerts', 'isConnected', 'error', 'refresh', 'clearAlerts'],
        ...['connection', 'isStale', 'asOf', 'snapshot'],
      ].sort(),
    );
  });

  it('is connecting without data first, then shows the state`s equity, then each update', async () => {
    const { result } = renderHook(() => useLiveChallenge(challengeId, mine), { wrapper });
    expect(result.current).toMatchObject({ connection: { is: 'connecting' }, equityData: null, isConnected: false });
    await goLive();
    expect(result.current.equityData).toEqual((history.state().body as { equity: unknown }).equity);
    await trade();
    expect(result.current.equityData).toMatchObject({
      sequence: history.cursor.sequence,
      current_equity: expect.any(String),
    });
    expect(result.current).toMatchObject({ isConnected: true, isStale: false, error: null });
  });

  it('mounted twice by StrictMode joins once, over one socket, and leaves once', async () => {
    const { unmount } = renderHook(() => useLiveChallenge(challengeId, mine), { wrapper: strict });
    await goLive();
    await act(() => world.advance(5_000));
    expect(world.wires).toHaveLength(1);
    expect(world.wire.joins).toHaveLength(1);
    unmount();
    await world.advance(1_000);
    expect(world.wire.countOf('leave_challenge')).toBe(1);
    expect(world.wire.isClosed).toBe(true);
  });

  it('keeps the room while another component shows it', async () => {
    const first = renderHook(() => useLiveChallenge(challengeId, mine), { wrapper });
    const second = renderHook(() => useLiveChallenge(challengeId, mine), { wrapper });
    await goLive();
    first.unmount();
    await act(() => world.advance(5_000));
    expect(world.wire.joins).toHaveLength(1);
    expect(world.wire.countOf('leave_challenge')).toBe(0);
    expect(second.result.current.isConnected).toBe(true);
  });

  it('renders once for each event', async () => {
    let renders = 0;
    renderHook(
      () => {
        renders += 1;
        return useLiveChallenge(challengeId, mine);
      },
      { wrapper },
    );
    await goLive();
    for (let count = 0; count < 5; count += 1) {
      const before = renders;
      await trade();
      expect(renders).toBe(before + 1);
    }
  });

  it('keeps refresh, clearAlerts and every unchanged part the same', async () => {
    const { result, rerender } = renderHook(() => useLiveChallenge(challengeId, mine), { wrapper });
    await goLive();
    const before = result.current;
    await trade();
    rerender();
    const { refresh, clearAlerts, riskAlerts, snapshot, connection } = result.current;
    expect(refresh).toBe(before.refresh);
    expect(clearAlerts).toBe(before.clearAlerts);
    expect(riskAlerts).toBe(before.riskAlerts);
    expect(snapshot).toBe(before.snapshot);
    expect(connection).toBe(before.connection);
  });

  it.each([
    [null, mine],
    [undefined, mine],
    [challengeId, null],
    [challengeId, undefined],
    [challengeId, ''],
  ])('is idle where there is nothing to ask for: %j', async (id, token) => {
    const { result } = renderHook(() => useLiveChallenge(id, token), { wrapper });
    await world.advance(5_000);
    expect(world.wires).toEqual([]);
    expect(result.current).toMatchObject({ connection: { is: 'idle' }, error: null, isStale: false });
    await expect(result.current.refresh()).resolves.toBe(false);
  });

  it('shows nothing of the former user from the first render with another`s token', async () => {
    const seen: unknown[] = [];
    const { rerender } = renderHook(
      ({ token }) => {
        const { equityData, riskAlerts, snapshot } = useLiveChallenge(challengeId, token);
        seen.push([token, equityData?.current_equity ?? null, riskAlerts.length, snapshot]);
      },
      { wrapper, initialProps: { token: mine } },
    );
    await goLive();
    await act(async () => world.wire.say('risk_alert', history.alert().body));
    const theirs = tokenOf('trader-b');
    seen.length = 0;
    await act(async () => rerender({ token: theirs }));
    await act(() => world.advance(2_000));
    expect(new Set(seen.map((row) => JSON.stringify(row)))).toEqual(new Set([JSON.stringify([theirs, null, 0, null])]));
    expect(world.openWires.map(({ token }) => token)).toEqual([theirs]);
  });

  it('goes on with the same socket and figures when the same user has a newer token', async () => {
    const newer = tokenOf(history.userId, { jti: 'newer' });
    const { result, rerender } = renderHook(({ token }) => useLiveChallenge(challengeId, token), {
      wrapper,
      initialProps: { token: mine },
    });
    await goLive();
    await act(async () => rerender({ token: newer }));
    expect(result.current.connection.is).toBe('live');
    expect(world.wires).toHaveLength(1);
    await act(async () => {
      world.wire.cut();
      await world.advance(1_000);
    });
    expect(world.wire.token).toBe(newer);
  });

  it('takes a provider function that is a new one at each render', async () => {
    const { result, rerender } = renderHook(
      ({ jti }) => useLiveChallenge(challengeId, () => tokenOf(history.userId, { jti })),
      {
        wrapper,
        initialProps: { jti: 'a' },
      },
    );
    await goLive();
    rerender({ jti: 'b' });
    rerender({ jti: 'c' });
    expect(world.wires).toHaveLength(1);
    expect(result.current.connection.is).toBe('live');
    await act(async () => {
      world.wire.cut();
      await world.advance(1_000);
    });
    expect(world.wire.token).toBe(tokenOf(history.userId, { jti: 'c' }));
  });

  it('never shows a value of another challenge while ids change under load', async () => {
    const histories = [0, 1, 2].map(() => new History(undefined, history.userId));
    const wrong: string[] = [];
    const { rerender } = renderHook(
      ({ id }) => {
        const { equityData, snapshot } = useLiveChallenge(id, mine);
        for (const shown of [equityData, snapshot]) if (shown && shown.challenge_id !== id) wrong.push(id);
      },
      { wrapper, initialProps: { id: histories[0]?.challengeId ?? '' } },
    );
    for (let change = 0; change < 50; change += 1) {
      const next = histories[change % 3] as History;
      await act(async () => {
        rerender({ id: next.challengeId });
        await world.settle();
        for (const challenge of histories) joined(challenge);
        for (const challenge of histories) world.wire.say('equity_updated', challenge.equity().body);
        await world.advance(20);
      });
    }
    expect(wrong).toEqual([]);
  });

  it('uses the client of a ChallengeProvider in place of the shared one', async () => {
    const client = createChallengeClient({ url: 'ws://given', token: mine }, world);
    const Page = (): string => useLiveChallenge(challengeId, undefined).connection.is;
    const page = render(
      <ChallengeProvider client={client}>
        <Page />
      </ChallengeProvider>,
    );
    await goLive();
    expect(world.wires.map(({ url }) => url)).toEqual(['ws://given']);
    expect(page.container.textContent).toBe('live');
  });

  it('shows what the double is told to show, for tests of pages', async () => {
    const double = clientDouble();
    const { result } = renderHook(() => useLiveChallenge(challengeId, undefined), {
      wrapper: ({ children }) => <ChallengeProvider client={double}>{children}</ChallengeProvider>,
    });
    const snapshot = history.state().body as never;
    act(() => double.show(challengeId, { connection: { is: 'stale', why: 'gap', sinceMs: 1 }, snapshot }));
    expect(result.current).toMatchObject({ isStale: true, isConnected: true, snapshot });
    result.current.clearAlerts();
    await expect(result.current.refresh()).resolves.toBe(true);
    expect(double.asked).toEqual([`clearAlerts ${challengeId}`, `refresh ${challengeId}`]);
  });
});
