import { adminSettings, logSettings, port, text, url } from '@tradesense/platform';

export const dashboardSettings = {
  ...logSettings,
  ...adminSettings(9104),
  DASHBOARD_HOST: text({ says: 'Address the page is served on.', fallback: '::' }),
  DASHBOARD_PORT: port({ says: 'Port the page is served on. 0 takes a free one.', fallback: 8080 }),
  GATEWAY_URL: url({
    says: 'Where browsers reach the gateway: ws, wss.',
    fallback: 'ws://localhost:5000',
    developmentOnly: true,
  }),
  TRADE_URL: url({
    says: 'Where browsers reach the trade API.',
    fallback: 'http://localhost:3000',
    developmentOnly: true,
  }),
};
