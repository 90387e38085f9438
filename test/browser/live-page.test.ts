import { freePort, TcpProxy } from '@tradesense/local';
import type { Browser, Page } from 'playwright-core';

import { openBrowser } from '../support/browser.js';
import { given } from '../support/given.js';
import { openStack, type OwnGround } from '../support/stack.js';
import { System } from '../support/system.js';
import { tokens } from '../support/tokens.js';
import { until } from '../support/until.js';

describe('a trader’s page', () => {
  let ground: OwnGround;
  let system: System;
  let browser: Browser;
  /** Between page and gateway, since a browser's own "offline" leaves open WebSockets working (pitfall X2). */
  let link: TcpProxy;

  beforeAll(async () => {
    const linkPort = await freePort();
    ground = await openStack();
    system = await System.start(ground, {
      services: ['trade', 'relay', 'gateway', 'dashboard'],
      pageGatewayUrl: `ws://127.0.0.1:${linkPort}`,
    });
    link = new TcpProxy({ host: '127.0.0.1', port: system.gatewayPort }, linkPort);
    await link.start();
    browser = await openBrowser();
  });
  afterAll(async () => {
    await browser?.close();
    await link?.stop();
    await system?.stop();
    await ground?.close();
  });

  interface Opened {
    readonly page: Page;
    readonly challengeId: string;
    /** What the browser complained about: scripts, styles, connections it was not allowed. */
    readonly complaints: readonly string[];
    readonly sockets: readonly string[];
  }

  async function openPage(): Promise<Opened> {
    const { challenge_id: challengeId, user_id } = await system.api.open();
    const page = await (await browser.newContext()).newPage();
    const complaints: string[] = [];
    const sockets: string[] = [];
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('websocket', (socket) => sockets.push(socket.url()));
    const fragment = new URLSearchParams({ challenge: challengeId, token: await tokens.user(user_id) });
    await page.goto(`${system.dashboardUrl}/#${fragment}`);
    return { page, challengeId, complaints, sockets };
  }

  const connection = (page: Page) => page.locator('[data-connection]').getAttribute('data-connection');
  const isConnection = (page: Page, ...names: readonly string[]) =>
    until(
      () => connection(page),
      (name) => name !== null && names.includes(name),
      {
        withinMs: 30_000,
        what: `the page's connection is ${names.join(' or ')}`,
      },
    );
  /** The figure's digits; how they are grouped is the page's business. */
  const equity = async (page: Page) => (await page.getByTestId('equity').innerText()).replace(/[^\d.-]/g, '');
  const shows = (page: Page, amount: string) =>
    until(
      () => equity(page),
      (shown) => shown === amount,
      { withinMs: 15_000, what: `equity ${amount} on the page` },
    );

  it('shows new equity without a reload, over one socket, and keeps its token out of the address bar', async () => {
    const { page, challengeId, complaints, sockets } = await openPage();
    await isConnection(page, 'live');
    await shows(page, '10000.00');
    expect(page.url()).toBe(`${system.dashboardUrl}/`);
    expect(await page.evaluate('history.length')).toBeLessThanOrEqual(2); // the empty page and this one: no way back to it

    await page.evaluate('window.neverReloaded = true');
    await system.api.post(challengeId, { realized_pnl: '200.00' });
    await shows(page, '10200.00');
    await system.api.post(challengeId, { realized_pnl: '-50.25' });
    await shows(page, '10149.75');
    expect(await page.evaluate('window.neverReloaded')).toBe(true);
    expect(sockets.every((url) => !url.includes('token'))).toBe(true);
    expect(sockets).toHaveLength(1);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  it('shows the connection going down and up as the gateway restarts, and what happened meanwhile', async () => {
    const { page, challengeId } = await openPage();
    await isConnection(page, 'live');
    await system.service('gateway').kill();
    await isConnection(page, 'connecting', 'joining', 'stale');
    await system.api.post(challengeId, { realized_pnl: '120.00' });
    await system.start('gateway');
    await isConnection(page, 'live');
    await shows(page, '10120.00');
    await page.context().close();
  });

  it('says so when its line is cut, keeps what it showed, and catches up when the line is back', async () => {
    const { page, challengeId } = await openPage();
    await isConnection(page, 'live');
    await system.api.post(challengeId, { realized_pnl: '80.00' });
    await shows(page, '10080.00');

    link.cut();
    await isConnection(page, 'connecting', 'stale');
    expect(await page.locator('[data-connection]').innerText()).toMatch(/reconnecting|not live/i);
    expect(await page.locator('.is-stale').count()).toBe(1);
    for (const realized_pnl of given.swings(3)) await system.api.post(challengeId, { realized_pnl });
    expect(await equity(page)).toBe('10080.00');

    await link.heal();
    await isConnection(page, 'live');
    await shows(page, '10082.00');
    expect(await page.locator('.is-stale').count()).toBe(0);
    await page.context().close();
  });
});
