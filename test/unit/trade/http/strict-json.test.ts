import { parseStrictly } from '../../../../services/trade/src/http/strict-json.js';
import type { ProblemError } from '../../../../services/trade/src/http/problem.js';

const parsed = (text: string | Buffer) => parseStrictly(Buffer.from(text));
function refusal(text: string | Buffer): Pick<ProblemError, 'code' | 'details'> {
  try {
    parsed(text);
  } catch (error) {
    const { code, details } = error as ProblemError;
    return { code, details };
  }
  throw new Error('it was let through');
}
const pathsOf = (text: string) => refusal(text).details.errors?.map(({ path }) => path);

describe('a body', () => {
  it('is a JSON object', () => {
    expect(parsed('{"a":"b","c":{"d":["é","😀",1,null]}}')).toEqual({ a: 'b', c: { d: ['é', '😀', 1, null] } });
  });

  it.each(['', '{', '{"a":1}x', "{'a':1}", '{"a":01}', '{"a":NaN}', '\uFEFF{"a":1}'])('%p is not JSON', (text) => {
    expect(refusal(text).code).toBe('malformed-json');
  });

  it('is UTF-8', () => {
    expect(refusal(Buffer.from('{"a":"\xff"}', 'latin1')).code).toBe('malformed-json');
  });

  it.each(['null', '1', '"a"', '[{"a":1}]'])('%s is no object', (text) => {
    expect(refusal(text)).toMatchObject({ code: 'invalid-request', details: { errors: [{ path: '' }] } });
  });

  it.each([
    '{"a":1,"a":2}',
    '{"b":{"a":1,"a":1}}',
    '{"b":[{"a":{},"a":[]}]}',
    '{"a":1,"\\u0061":2}',
    '{"a" :":","a"\n:2}',
  ])('%s says one thing twice', (text) => {
    expect(refusal(text)).toMatchObject({
      code: 'malformed-json',
      details: { detail: expect.stringContaining('"a"') },
    });
  });

  it('may repeat a name in another object, in a text, as a value', () => {
    const text = '{"a":{"a":"a"},"b":[{"a":1},{"a":2}],"c":"\\"a\\":1,\\"a\\"","d":"a"}';
    expect(parsed(text)).toEqual(JSON.parse(text));
  });

  it('names every string that can not be carried, however deep', () => {
    expect(pathsOf('{"a":"\\u0000","b":{"c":["x","\\ud800"]},"d/e":"\\u001f","f":"\\u0085"}')).toEqual([
      '/a',
      '/b/c/1',
      '/d~1e',
      '/f',
    ]);
  });

  it('has no member whose name would be lost', () => {
    expect(pathsOf('{"__proto__":{"status":"FUNDED"},"a":{"\\u0000":1}}')).toEqual(['', '/a']);
  });

  it('is nested a few levels at most', () => {
    const deep = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`;
    expect(pathsOf(deep(9))).toEqual(['/a'.repeat(8)]);
    expect(refusal(`{"a":${'['.repeat(30_000)}${']'.repeat(30_000)}}`).code).toBe('invalid-request');
  });
});
