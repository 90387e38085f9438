import { Contended, DatabaseUnavailable, faultOfDriver } from '../../../../services/trade/src/store/faults.js';

const failure = (facts: object): Error => Object.assign(new Error('failed'), facts);
const ofServer = (code: string, severity = 'ERROR'): Error => failure({ code, severity });

describe('a rejection of the database driver', () => {
  it.each([
    ['a time-out of the driver', failure({})],
    ['a connection that was reset', failure({ code: 'ECONNRESET', errno: -104, syscall: 'read' })],
    ['a write to a socket that was closed', failure({ code: 'EPIPE', errno: -32, syscall: 'write' })],
    ['the end of the session', ofServer('57P01', 'FATAL')],
    ['a refusal that takes the session along', ofServer('42501', 'FATAL')],
    ['a server that shuts down', ofServer('57P01')],
    ['a statement that took too long', ofServer('57014')],
    ['a server that only reads', ofServer('25006')],
    ['no disk', ofServer('53100')],
  ])('is the database being away: %s', (_, error) => {
    expect(faultOfDriver(error)).toBeInstanceOf(DatabaseUnavailable);
  });

  it.each(['40001', '40P01', '55P03'])('is others in the way: %s', (code) => {
    expect(faultOfDriver(ofServer(code))).toBeInstanceOf(Contended);
  });

  it.each(['22P02', '23505', '42P01'])('is what nobody expected, as it is: %s', (code) => {
    const error = ofServer(code);
    expect(faultOfDriver(error)).toBe(error);
  });
});
