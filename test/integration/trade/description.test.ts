import { readFileSync } from 'node:fs';

import { TradeDescription } from '../../support/openapi.js';
import { inRepository } from '../../support/repository.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { tokens } from '../../support/tokens.js';

const description = new TradeDescription();
let ground: OwnGround;
let system: System;

beforeAll(async () => {
  ground = await openStack({ topics: false });
  system = await System.start(ground, { services: ['trade'], env: { trade: { USER_RATE_LIMIT_PER_S: '1' } } });
});
afterAll(async () => {
  await system?.stop();
  await ground?.close();
});

const ask = async (method: string, path: string, { token, body }: { token?: string; body?: unknown } = {}) =>
  fetch(`${system.tradeUrl}${path}`, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });

describe('the description', () => {
  it('is served to everybody as it stands in the repository', async () => {
    const response = await ask('GET', '/openapi.json');
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('content-security-policy')).toBe("default-src 'none'; frame-ancestors 'none'");
    expect(await response.json()).toEqual(JSON.parse(readFileSync(inRepository('docs/openapi.json'), 'utf8')));
  });

  it('has examples that can be posted, and answers that are as it says', async () => {
    const token = await tokens.service();
    const example = (at: string) => description.operation(at).requestBody!.content['application/json'].example;
    const { challenge_id } = example('post /v1/challenges') as { challenge_id: string };
    const posts = [
      ['post /v1/challenges', 201],
      ['post /v1/challenges/{id}/trades', 201],
      ['post /v1/trades', 200],
      ['post /v1/marks', 200],
    ] as const;
    for (const [at, status] of posts) {
      const [, path = ''] = at.split(' ');
      const response = await ask('POST', path.replace('{id}', challenge_id), { token, body: example(at) });
      expect([at, response.status]).toEqual([at, status]);
      expect(await description.faultsOf(at, response)).toEqual([]);
      expect(JSON.stringify(await response.json())).not.toContain('"problem"');
    }
    const gets = description.operations.map(([at]) => at).filter((at) => at.startsWith('get '));
    expect(gets.length).toBeGreaterThan(5);
    for (const at of gets) {
      const path = at.slice('get '.length).replace('{id}', at.includes('programs') ? 'seed' : challenge_id);
      const query = path === '/v1/challenges' ? '?user_id=trader-1' : '';
      const response = await ask('GET', `${path}${query}`, { token });
      expect([at, response.status]).toEqual([at, 200]);
      expect(await description.faultsOf(at, response)).toEqual([]);
    }
  });

  it('knows the problems that come before a route', async () => {
    const at = 'get /v1/programs';
    const token = await tokens.user('trader-1');
    const statuses = [];
    for (const given of [undefined, 'nonsense', token, token]) {
      const response = await ask('GET', '/v1/programs', given === undefined ? {} : { token: given });
      statuses.push(response.status);
      expect(await description.faultsOf(at, response)).toEqual([]);
    }
    expect(statuses).toEqual([401, 401, 200, 429]);
  });
});

describe('the page', () => {
  it('brings all it needs, and may load nothing else', async () => {
    const page = await ask('GET', '/docs');
    expect(page.status).toBe(200);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const text = await page.text();
    expect(text).not.toMatch(/https?:|\/\/|<script>|\son\w+=/);
    const parts = [...text.matchAll(/(?:src|href)="(docs\/[^"]+)"/g)].map(([, part]) => `/${part}`);
    expect(parts).toHaveLength(3);
    for (const path of ['/docs', ...parts]) {
      const { status, headers } = await ask('GET', path);
      expect([path, status]).toEqual([path, 200]);
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      const policy = headers.get('content-security-policy')!;
      expect(policy).toContain("default-src 'none'; script-src 'self';");
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy.split('; ').filter((rule) => /https?:|\*|unsafe-eval|script-src.*unsafe/.test(rule))).toEqual([]);
    }
  });

  it('leaves what is not there not there', async () => {
    const asked = await Promise.all([
      ask('GET', '/docs/'),
      ask('GET', '/docs/index.html'),
      ask('GET', '/docs/..%2fpackage.json'),
      ask('GET', '/openapi.yaml'),
      ask('POST', '/docs', { body: {} }),
      ask('DELETE', '/openapi.json'),
      ask('PUT', '/v1/challenges'),
    ]);
    expect(asked.map(({ status }) => status)).toEqual([404, 404, 404, 404, 405, 405, 405]);
    expect(asked.map(({ headers }) => headers.get('allow')).slice(4)).toEqual([
      'GET, HEAD',
      'GET, HEAD',
      'POST, GET, HEAD',
    ]);
    for (const { headers } of asked) expect(headers.get('content-type')).toBe('application/problem+json');
  });
});
