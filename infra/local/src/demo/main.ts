import { logSettings, readConfig, secret, url, DEVELOPMENT_SECRET, EXIT } from '@tradesense/platform';

import { curlLine, pageAddress } from './address.js';
import { DemoTrader } from './trader.js';

/** The demo's trader by itself, where everything else runs in containers. */
const settings = {
  ...logSettings,
  JWT_SECRET: secret({ says: 'HS256 key that the services verify tokens with.', fallback: DEVELOPMENT_SECRET }),
  TRADE_URL: url({ says: 'Where this process reaches the trade API.', fallback: 'http://localhost:3000' }),
  PUBLIC_TRADE_URL: url({ says: 'Where you reach the trade API.', fallback: 'http://localhost:3000' }),
  PAGE_URL: url({ says: 'Where you reach the page.', fallback: 'http://localhost:8080' }),
};

const reading = readConfig(settings, process.env);
if (!reading.ok) {
  process.stderr.write(`demo: ${reading.faults.join('; ')}\n`);
  process.exit(EXIT.badConfiguration);
}
const { JWT_SECRET, TRADE_URL, PUBLIC_TRADE_URL, PAGE_URL } = reading.config;
const addresses = { pageUrl: PAGE_URL, tradeUrl: PUBLIC_TRADE_URL, secret: JWT_SECRET };
const stopping = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => stopping.abort());

await new DemoTrader({
  tradeUrl: TRADE_URL,
  secret: JWT_SECRET,
  onChallenge: (id) =>
    process.stdout.write(`\n  Page  ${pageAddress(addresses, id)}\n  Try   ${curlLine(addresses, id)}\n\n`),
  onTrouble: (what) => process.stdout.write(`demo: ${what}; trying again\n`),
}).trade(stopping.signal);
