import { PROBLEMS, problemType } from '@tradesense/contracts';
import { Validator } from '@seriousme/openapi-schema-validator';

import { TradeDescription } from '../../support/openapi.js';

const description = new TradeDescription();
const operations = description.operations;

it('the description is OpenAPI 3.1', async () => {
  const validator = new Validator();
  expect(await validator.validate(JSON.parse(description.text) as Record<string, unknown>)).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
});

it('every reference leads to something', () => {
  const references = [...description.text.matchAll(/"\$ref": "([^"]+)"/g)].map(([, to]) => to!);
  expect(references.length).toBeGreaterThan(50);
  expect(references.filter((reference) => description.at(reference) === undefined)).toEqual([]);
});

it('operations have names of their own', () => {
  const names = operations.map(([, { operationId }]) => operationId);
  expect(names.length).toBeGreaterThan(10);
  expect(new Set(names).size).toBe(names.length);
});

describe.each(operations)('%s', (at, operation) => {
  it('says what it does, to whom, and which tokens it takes', () => {
    expect(operation.summary).toMatch(/^[A-Z].*\.$/);
    expect(operation.security.length).toBeGreaterThan(0);
    const kinds = operation.security.flatMap((way) => Object.keys(way));
    expect(kinds.filter((kind) => description.at(`#/components/securitySchemes/${kind}`) === undefined)).toEqual([]);
  });

  it('describes its acceptance and each of its problems', () => {
    for (const [status, { content }] of Object.entries(operation.responses)) {
      const type = Number(status) < 400 ? 'application/json' : 'application/problem+json';
      expect([status, Object.keys(content)]).toEqual([status, [type]]);
    }
    expect(Object.keys(operation.responses)).toEqual(
      expect.arrayContaining(['400', '401', '403', '429', '500', '503']),
    );
    const withId = at.includes('{') ? ['404'] : [];
    const withBody = at.startsWith('post') ? ['413', '415'] : [];
    expect(Object.keys(operation.responses)).toEqual(expect.arrayContaining([...withId, ...withBody]));
  });

  it('has a body that is closed, with an example of it', () => {
    if (operation.requestBody === undefined) return expect(at).toMatch(/^get|\/recompute$/);
    const { schema, example } = operation.requestBody.content['application/json'];
    expect(description.faults(schema, example ?? {})).toEqual([]);
    expect(description.faults(schema, { ...(example as object), nobody_knows: 1 })).toEqual([
      ' must NOT have additional properties',
    ]);
  });
});

const { examples, schemas } = description.document.components;
it.each(Object.entries(PROBLEMS))('%s has an example of its shape', (code, { status }) => {
  const { value } = examples[code] as { value: unknown };
  expect(value).toMatchObject({ type: problemType(code as keyof typeof PROBLEMS), status });
  expect(description.faults(schemas['Problem']!, value)).toEqual([]);
});

describe('a field of a body', () => {
  const trade = {
    ...(description.operation('post /v1/challenges/{id}/trades').requestBody!.content['application/json']
      .example as object),
  };
  it.each([
    ['trade_id', 'not-a-uuid'],
    ['realized_pnl', '1e3'],
    ['realized_pnl', 12],
    ['executed_at', '2026-01-31 12:00:00Z'],
    ['executed_at', null],
    ['executed_at', '1969-12-31T23:59:59Z'],
    ['executed_at', '2026-01-31T24:00:00Z'],
    ['executed_at', '2026-02-30T12:00:00Z'],
    ['symbol', ''],
    ['symbol', ' '],
    ['symbol', 'a\u0000b'],
    ['symbol', 'x'.repeat(65)],
    ['side', 'HOLD'],
    ['quantity', '-1'],
  ])('%s is not %j', (name, value) => {
    expect(description.faults(schemas['TradeBody']!, { ...trade, [name]: value })).not.toEqual([]);
  });
  it.each([
    ['opened_at', null],
    ['side', null],
    ['symbol', '€ 1'],
    ['executed_at', '2026-01-31T12:00:00.123456+02:00'],
  ])('%s may be %j', (name, value) => {
    expect(description.faults(schemas['TradeBody']!, { ...trade, [name]: value })).toEqual([]);
  });
});
