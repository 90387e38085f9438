import { databaseFault } from '../../../../services/relay/src/database/session.js';

describe('what is said of a PostgreSQL that can not be reached', () => {
  it('names each address that was tried, where its name has several', () => {
    const tried = [new Error('connect ECONNREFUSED ::1:5432'), new Error('connect ECONNREFUSED 127.0.0.1:5432')];
    expect(databaseFault(new AggregateError(tried))).toMatchObject({
      remedy: 'wait',
      message: 'PostgreSQL: connect ECONNREFUSED ::1:5432; connect ECONNREFUSED 127.0.0.1:5432',
    });
  });
});
