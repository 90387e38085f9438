import { fileURLToPath } from 'node:url';

import { AdminListener, createMetrics, runService } from '@tradesense/platform';

import { dashboardSettings } from '../settings.js';
import { PageServer } from './page-server.js';

await runService({
  name: 'dashboard',
  settings: dashboardSettings,
  parts({ config, log, health }) {
    const { registry } = createMetrics('dashboard');
    return [
      new AdminListener({ host: config.ADMIN_HOST, port: config.ADMIN_PORT, registry, health, log }),
      new PageServer({
        host: config.DASHBOARD_HOST,
        port: config.DASHBOARD_PORT,
        folder: fileURLToPath(new URL('../site', import.meta.url)),
        gatewayUrl: config.GATEWAY_URL,
        tradeUrl: config.TRADE_URL,
        log,
      }),
    ];
  },
});
