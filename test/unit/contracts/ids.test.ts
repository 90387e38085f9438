import { isChallengeId, isUuid, roomOf } from '@tradesense/contracts';

const id = '01938a2e-7c4b-7def-8123-456789abcdef';

describe('an id', () => {
  it.each([
    [id, true],
    [id.toUpperCase(), false],
    [id.replaceAll('-', ''), false],
    [`{${id}}`, false],
    [` ${id}`, false],
    [`${id}\n`, false],
    ['', false],
    [null, false],
    [[id], false],
  ])('%j is canonical: %s', (value, wanted) => {
    expect(isUuid(value)).toBe(wanted);
    expect(isChallengeId(value)).toBe(wanted);
  });

  it('names the room', () => {
    expect(roomOf(id)).toBe(`challenge_${id}`);
  });
});
