import { DatabaseUnavailable } from '../../../../services/trade/src/store/index.js';
import { Outage } from '../../../../services/trade/src/store/outage.js';
import { HeldClock } from '../../../support/held-clock.js';

function given() {
  const clock = new HeldClock();
  return { clock, outage: new Outage(clock) };
}
const away = new Error('connection refused');

describe('requests while PostgreSQL can not be reached', () => {
  it('may all try as long as nobody has failed', () => {
    const { outage } = given();
    expect(() => [outage.mayTry(), outage.mayTry()]).not.toThrow();
  });

  it('are refused at once after one has failed, for its reason and as not applied', () => {
    const { outage } = given();
    outage.begins(away);
    expect(() => outage.mayTry()).toThrow(DatabaseUnavailable);
    expect(() => outage.mayTry()).toThrow(expect.objectContaining({ outcome: 'not_applied', cause: away }));
  });

  it('let one of them through at a time, so many in a minute that a siege is none', async () => {
    const { clock, outage } = given();
    outage.begins(away);
    let tried = 0;
    for (let tenth = 0; tenth < 600; tenth += 1) {
      await clock.advance(100);
      try {
        outage.mayTry();
        tried += 1;
        outage.begins(away);
      } catch (error) {
        expect(error).toBeInstanceOf(DatabaseUnavailable);
      }
    }
    expect(tried).toBe(200);
  });

  it('may all try again once one has got through', () => {
    const { outage } = given();
    outage.begins(away);
    outage.ends();
    expect(() => [outage.mayTry(), outage.mayTry()]).not.toThrow();
  });
});
