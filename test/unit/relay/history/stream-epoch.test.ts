import { StreamEpoch, withoutWithheld } from '../../../../services/relay/src/history/index.js';
import { HeldClock } from '../../../support/held-clock.js';
import { relayRow } from '../../../support/relay-rows.js';

const rowsOf = (...epochs: number[]) =>
  epochs.map((epoch, index) => relayRow({ position: BigInt(index + 1), epoch: String(epoch) }));

describe('rows of an earlier epoch', () => {
  it('are left out, those of the current and of a later one are not, and order stays', () => {
    const rows = rowsOf(9, 10, 11, 9, 10);
    expect(withoutWithheld(rows, 10n).map(({ position }) => position)).toEqual([2n, 3n, 5n]);
  });

  it('are told by number, not by text', () => {
    expect(withoutWithheld(rowsOf(1_000), 999n)).toHaveLength(1);
    expect(withoutWithheld(rowsOf(999), 1_000n)).toHaveLength(0);
  });

  it('cost nothing where there are none: it is the same list', () => {
    const rows = rowsOf(10, 10);
    expect(withoutWithheld(rows, 10n)).toBe(rows);
  });
});

describe("the stream's epoch", () => {
  const given = async () => {
    const clock = new HeldClock();
    const database = { epoch: '7', swept: '7', asked: 0 };
    const session = {
      query: <Row>() => {
        database.asked += 1;
        return Promise.resolve([{ ...database }] as unknown as Row[]);
      },
    };
    return { clock, database, stream: await StreamEpoch.load(session, clock) };
  };

  it('is known once it is loaded', async () => {
    const { stream, database } = await given();
    expect([stream.epoch, stream.swept, database.asked]).toEqual([7n, 7n, 1]);
  });

  it('is asked for once a second while rows are published, and every ten seconds while none are', async () => {
    const { clock, database, stream } = await given();
    for (let tenth = 0; tenth < 100; tenth += 1) {
      await clock.advance(100);
      await stream.refresh({ isPublishing: true });
    }
    expect(database.asked).toBe(1 + 10);
    for (let tenth = 0; tenth < 200; tenth += 1) {
      await clock.advance(100);
      await stream.refresh({ isPublishing: false });
    }
    expect(database.asked).toBe(1 + 10 + 2);
  });

  it('is up to date before rows are published, however long none were', async () => {
    const { clock, database, stream } = await given();
    Object.assign(database, { epoch: '8', swept: '7' });
    await clock.advance(1_000);
    await stream.refresh({ isPublishing: false });
    expect(stream.epoch).toBe(7n);
    await stream.refresh({ isPublishing: true });
    expect([stream.epoch, stream.swept]).toEqual([8n, 7n]);
  });
});
