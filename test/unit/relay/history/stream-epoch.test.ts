import { StreamEpoch } from '../../../../services/relay/src/history/index.js';
import { HeldClock } from '../../../support/held-clock.js';
import { relayRow } from '../../../support/relay-rows.js';

const rowsOf = (...epochs: number[]) =>
  epochs.map((epoch, index) => relayRow({ position: BigInt(index + 1), epoch: String(epoch) }));

function given(epoch: number, faults: Error[] = []) {
  const clock = new HeldClock();
  const database = { epoch: String(epoch), swept: String(epoch), asked: 0 };
  const told = { withheld: 0, raised: [] as bigint[] };
  const stream = new StreamEpoch({
    session: {
      query: <Found>() => {
        database.asked += 1;
        return Promise.resolve([{ ...database }] as unknown as Found[]);
      },
    },
    clock,
    metrics: { withheld: (rows) => (told.withheld += rows) },
    raised: async (to) => {
      const fault = faults.shift();
      if (fault !== undefined) throw fault;
      told.raised.push(to);
    },
  });
  return { clock, database, told, stream };
}

describe('rows of an earlier epoch', () => {
  it('are not sent, and counted; those of the current and of a later one are sent, in order', async () => {
    const { stream, told } = given(10);
    const sent = await stream.current(rowsOf(9, 10, 11, 9, 10));
    expect(sent.map(({ position }) => position)).toEqual([2n, 3n, 5n]);
    expect(told.withheld).toBe(2);
  });

  it('are told by number, not by text', async () => {
    expect(await given(999).stream.current(rowsOf(1_000))).toHaveLength(1);
    expect(await given(1_000).stream.current(rowsOf(999))).toHaveLength(0);
  });
});

describe("the stream's epoch", () => {
  it('is asked for once a second while rows are published, and every ten seconds while none are', async () => {
    const { clock, database, stream } = given(7);
    await stream.current([]);
    for (let tenth = 0; tenth < 100; tenth += 1) {
      await clock.advance(100);
      await stream.current(rowsOf(7));
    }
    expect(database.asked).toBe(1 + 10);
    for (let tenth = 0; tenth < 200; tenth += 1) {
      await clock.advance(100);
      await stream.current([]);
    }
    expect(database.asked).toBe(1 + 10 + 2);
  });

  it('is up to date before rows are published, however long none were, and tells that it was raised', async () => {
    const { clock, database, stream, told } = given(7);
    await stream.current([]);
    Object.assign(database, { epoch: '8', swept: '7' });
    await clock.advance(1_000);
    await stream.current([]);
    expect([stream.epoch, told.raised]).toEqual([7n, [7n]]);
    expect(await stream.current(rowsOf(7, 8))).toHaveLength(1);
    expect([stream.epoch, stream.swept, told.raised]).toEqual([8n, 7n, [7n, 8n]]);
  });

  it('is asked for at once when a row is of a later one: nothing of a new epoch goes on before it is known', async () => {
    const { database, stream, told } = given(7);
    await stream.current(rowsOf(7));
    Object.assign(database, { epoch: '8' });
    expect(await stream.current(rowsOf(7))).toHaveLength(1);
    const sent = await stream.current(rowsOf(7, 8));
    expect(sent.map(({ epoch }) => epoch)).toEqual(['8']);
    expect([database.asked, told.raised]).toEqual([2, [7n, 8n]]);
  });

  it('is asked for again where what hangs on it failed', async () => {
    const { stream, told } = given(7, [new Error('not now')]);
    await expect(stream.current(rowsOf(7))).rejects.toThrow('not now');
    expect(await stream.current(rowsOf(7))).toHaveLength(1);
    expect(told.raised).toEqual([7n]);
  });
});
