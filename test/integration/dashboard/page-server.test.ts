import { Processes, type ServiceProcess } from '../../support/processes.js';

describe('the server of the page', () => {
  const processes = new Processes();
  let server: ServiceProcess;
  const ask = (path: string, init?: RequestInit): Promise<Response> =>
    fetch(`http://127.0.0.1:${server.port}${path}`, init);

  beforeAll(async () => {
    server = await processes.start({
      name: 'dashboard',
      entry: 'services/dashboard/dist/server/main.js',
      env: {
        DASHBOARD_PORT: '0',
        ADMIN_PORT: '0',
        GATEWAY_URL: 'wss://live.example:5000/',
        TRADE_URL: 'https://trade.example/base',
      },
    });
    await server.ready();
  });
  afterAll(() => processes.stop());

  it('lets the page reach gateway and trade API, and nothing else', async () => {
    const policy = (await ask('/')).headers.get('content-security-policy') ?? '';
    const directives = new Map(
      policy.split(';').map((part) => [part.split(' ')[0], part.split(' ').slice(1).join(' ')]),
    );
    expect(directives.get('default-src')).toBe("'none'");
    expect(directives.get('script-src')).toBe("'self'");
    expect(directives.get('connect-src')).toBe(
      "'self' wss://live.example:5000 https://live.example:5000 https://trade.example",
    );
    expect(directives.get('frame-ancestors')).toBe("'none'");
    expect(policy).not.toContain('unsafe');
  });

  it('tells the page where they are, and tells it anew each time', async () => {
    const answer = await ask('/config.json');
    expect(await answer.json()).toEqual({
      gatewayUrl: 'wss://live.example:5000/',
      tradeUrl: 'https://trade.example/base',
    });
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('lets browsers keep what carries a hash in its name, and nothing else', async () => {
    const page = await ask('/');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const [script = 'the page has no script'] = /assets\/[\w-]+\.js/.exec(await page.text()) ?? [];
    const asset = await ask(`/${script}`);
    expect(asset.status).toBe(200);
    expect(asset.headers.get('cache-control')).toContain('immutable');
  });

  it('sends no referrer, and serves nothing outside of its folder', async () => {
    expect((await ask('/')).headers.get('referrer-policy')).toBe('no-referrer');
    for (const path of ['/..%2f..%2fpackage.json', '/%2e%2e/package.json', '/nothing'])
      expect((await ask(path)).status).toBeGreaterThanOrEqual(400);
    expect((await ask('/', { method: 'POST' })).status).toBe(404);
  });
});
