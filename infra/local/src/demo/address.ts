import { serviceTokenOf, userTokenOf } from './trader.js';

export interface Addresses {
  readonly pageUrl: string;
  readonly tradeUrl: string;
  readonly secret: string;
}

/** Token and challenge travel in the fragment, which no server sees. */
export const pageAddress = ({ pageUrl, secret }: Addresses, challengeId: string): string =>
  `${pageUrl}/#token=${userTokenOf(secret)}&challenge=${challengeId}`;

/** A line that posts a trade of its own; each run of it is another trade. */
export const curlLine = ({ tradeUrl, secret }: Addresses, challengeId: string): string =>
  [
    `curl -X POST ${tradeUrl}/v1/challenges/${challengeId}/trades`,
    `-H 'Authorization: Bearer ${serviceTokenOf(secret)}'`,
    `-H 'Content-Type: application/json'`,
    `-d '{"trade_id":"'$(node -p 'crypto.randomUUID()')'","symbol":"EURUSD","realized_pnl":"25.00","executed_at":"2026-01-01T10:00:00Z"}'`,
  ].join(' ');
