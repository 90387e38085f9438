import type { Browser } from 'playwright-core';

import { openBrowser } from '../support/browser.js';
import { TradeDescription } from '../support/openapi.js';
import { openStack, type OwnGround } from '../support/stack.js';
import { System } from '../support/system.js';

let ground: OwnGround;
let system: System;
let browser: Browser;

beforeAll(async () => {
  ground = await openStack({ topics: false });
  system = await System.start(ground, { services: ['trade'] });
  browser = await openBrowser();
});
afterAll(async () => {
  await browser?.close();
  await system?.stop();
  await ground?.close();
});

it('the trade API’s page shows each operation, within its policy and from its own origin', async () => {
  const page = await browser.newPage({ viewport: { width: 1200, height: 1600 } });
  const complaints: string[] = [];
  const origins = new Set<string>();
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => origins.add(new URL(request.url()).origin));
  await page.goto(`${system.tradeUrl}/docs`);
  const { operations } = new TradeDescription();
  await page
    .locator('.opblock')
    .nth(operations.length - 1)
    .waitFor();
  expect(await page.locator('.opblock').count()).toBe(operations.length);
  await page.locator('.opblock-post .opblock-summary-control').first().click();
  await page.locator('.opblock-body .example').first().waitFor();
  expect(complaints).toEqual([]);
  expect([...origins].filter((origin) => origin !== 'null')).toEqual([system.tradeUrl]);
  const picture = process.env['PICTURE'];
  if (picture !== undefined) await page.screenshot({ path: picture });
});
