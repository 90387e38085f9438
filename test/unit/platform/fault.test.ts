import { Fault, faultOf } from '@tradesense/platform';

class RecordRefused extends Fault {
  constructor() {
    super('record-refused', 'park', 'the record is too large');
  }
}

describe('a fault', () => {
  it('is named for its class and keeps its remedy on the way up', () => {
    const fault = new RecordRefused();
    expect(faultOf(fault)).toBe(fault);
    expect(fault).toMatchObject({ name: 'RecordRefused', code: 'record-refused', remedy: 'park' });
  });

  it.each([[new Error('odd')], ['a text'], [undefined], [null], [{ remedy: 'wait' }]])(
    'is made of whatever else was thrown, with the remedy to stop: %p',
    (thrown) => {
      expect(faultOf(thrown)).toMatchObject({ code: 'unexpected', remedy: 'stop', cause: thrown });
    },
  );
});
