import { PROBLEMS, SOCKET_CODES, problemType, type ProblemCode } from '@tradesense/contracts';

const problems = Object.entries(PROBLEMS);

describe('the error catalogue', () => {
  it.each(problems)('says of %s what happened and what to do first', (code, { status, title, firstStep }) => {
    expect(code).toMatch(/^[a-z]+(-[a-z]+)*$/);
    expect(problemType(code as ProblemCode)).toBe(`urn:tradesense:problem:${code}`);
    expect(status).toBeGreaterThanOrEqual(400);
    expect(title).not.toMatch(/\.$/);
    expect(firstStep).toMatch(/\.$/);
  });

  it('invites to repeat only what our side failed to do, or what came too often', () => {
    expect(problems.every(([, { retry, status }]) => !retry || status >= 500 || status === 429)).toBe(true);
  });

  it.each(Object.entries(SOCKET_CODES))('says of %s on a socket what happened and what to do', (code, entry) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(entry.message).not.toBe('');
    expect(entry.firstStep).toMatch(/\.$/);
  });

  it('ends a connection for good only where a new token or another challenge is needed', () => {
    const terminal = Object.entries(SOCKET_CODES).filter(([, entry]) => entry.terminal);
    expect(terminal.map(([code]) => code)).toEqual(['unauthorized', 'forbidden']);
  });
});
