import { EPOCH } from '../../../support/facts.js';
import { inShort, READ_FROM_MS, RoomUnderTest, type MemberUnderTest } from '../../../support/gateway-room.js';

/** Later than anything that is written here, whatever the clock. */
const LATER_MS = Date.now() + 3_600_000;
const LATER = new Date(LATER_MS).toISOString();

const at = (sequence: number, epoch = EPOCH) => ({ epoch, sequence });
const pulled = (member: MemberUnderTest, options?: { count?: number; conflates?: boolean }): readonly string[] =>
  member.pull(options).map(inShort);

/** Ring holding (10, 20], as after a start that read the last quarter of an hour. */
function roomOf20(): RoomUnderTest {
  const under = new RoomUnderTest();
  for (let sequence = 1; sequence <= 10; sequence += 1) under.history.equity();
  under.trade(10);
  under.live();
  return under;
}

describe('a join at rest, the ring holding (10, 20] (case C8)', () => {
  it.each([
    ['at head', at(20), ['joined recovered', 'live']],
    ['one before head', at(19), ['joined recovered', 'live', '20']],
    ['at base', at(10), ['joined recovered', 'live', '11', '12', '13', '14', '15', '16', '17', '18', '19', '20']],
    ['one before base', at(9), ['joined too_old snapshot 20', 'live']],
    ['long before base', at(0), ['joined too_old snapshot 20', 'live']],
    ['ahead', at(23), ['joined behind', 'stale behind']],
    ['head of an older epoch', at(20, EPOCH - 1), ['joined epoch snapshot 20', 'live']],
    ['far ahead in an older epoch', at(99, EPOCH - 1), ['joined epoch snapshot 20', 'live']],
    ['in a newer epoch', at(1, EPOCH + 1), ['joined behind', 'stale behind']],
    ['nowhere', undefined, ['joined no_cursor snapshot 20', 'live']],
  ])('cursor %s', (_, cursor, expected) => {
    expect(pulled(roomOf20().join({ cursor }))).toEqual(expected);
  });

  it('tells what is known, so that a client sees when it has caught up', () => {
    const [joined] = roomOf20()
      .join({ cursor: at(15) })
      .pull();
    expect(joined?.body).toMatchObject({ epoch: EPOCH, sequence: 20, recovered: true });
  });

  it.each([
    [3, ['joined no_cursor snapshot 20', 'live', '18', '19', '20']],
    [200, ['joined no_cursor snapshot 20', 'live', ...Array.from({ length: 10 }, (_, index) => `${index + 11}`)]],
  ])('history of %i begins before head, never before base', (history, expected) => {
    expect(pulled(roomOf20().join({ history }))).toEqual(expected);
  });

  it('a challenge that nobody traded yet can be joined at 0', () => {
    const under = new RoomUnderTest();
    under.state();
    under.live();
    const member = under.join();
    expect(pulled(member)).toEqual(['joined no_cursor snapshot 0', 'live']);
    under.trade();
    expect(pulled(member)).toEqual(['1']);
  });

  it('with a state but no events, only a cursor at the state can go on', () => {
    const under = new RoomUnderTest();
    for (let sequence = 1; sequence <= 5; sequence += 1) under.history.equity();
    under.state();
    under.live(LATER);
    expect(pulled(under.join({ cursor: at(5) }))).toEqual(['joined recovered', 'live']);
    expect(pulled(under.join({ cursor: at(4) }))).toEqual(['joined too_old snapshot 5', 'live']);
  });

  it('before the first watermark what is older than any event that was asked for will not come', () => {
    const under = new RoomUnderTest();
    under.state(under.history.state(), READ_FROM_MS - 1);
    under.history.equity();
    expect(pulled(under.join({ cursor: at(0) }))).toEqual(['joined recovered', 'unknown starting']);
    under.state(under.history.state(), READ_FROM_MS - 1);
    const [joined] = pulled(under.join({ cursor: at(0) }));
    expect(joined).toBe('joined too_old snapshot 1');
  });

  it('with events but no state yet, the snapshot follows when it comes', () => {
    const under = new RoomUnderTest();
    under.live();
    under.event(under.history.equity());
    const member = under.join();
    expect(pulled(member)).toEqual(['joined no_cursor', 'stale behind']);
    under.event(under.history.equity());
    expect(pulled(member)).toEqual([]); // no frame before what is owed
    expect(member.isAwake).toBe(false);
    under.state();
    expect(member.isAwake).toBe(true);
    expect(pulled(member)).toEqual(['snapshot 2 no_cursor', 'live']);
  });
});

describe('whoever is ahead of this gateway', () => {
  it('is sent nothing until it is passed, and never a snapshot below its cursor', () => {
    const under = roomOf20();
    const member = under.join({ cursor: at(23) });
    expect(pulled(member)).toEqual(['joined behind', 'stale behind']);
    under.trade(2);
    expect(pulled(member)).toEqual([]);
    under.trade(); // 23: it lacks nothing now
    expect(pulled(member)).toEqual(['live']);
    under.event(under.history.equity());
    expect(pulled(member)).toEqual(['stale behind']);
    under.state();
    expect(pulled(member)).toEqual(['snapshot 24 behind', 'live']);
    under.trade();
    expect(pulled(member)).toEqual(['25']);
  });
});

describe('while states are ahead of events, as after a pause (case C9)', () => {
  /** A state that nothing is to come to, and one of three events later, of which none has come. */
  function ahead() {
    const under = new RoomUnderTest();
    for (let sequence = 1; sequence <= 5; sequence += 1) under.history.equity();
    under.state(under.history.state(), LATER_MS - 60_000);
    under.live(LATER);
    const late = [under.history.alert(), under.history.status(), under.history.equity()];
    under.state(under.history.state(), LATER_MS + 1_000);
    return { under, late };
  }

  it.each([
    ['at the state before', at(5), ['6', '7', '8']],
    ['after it', at(6), ['7', '8']],
  ])('whoever joins without a ring, %s, gets every event', (_, cursor, expected) => {
    const { under, late } = ahead();
    const member = under.join({ cursor });
    expect(pulled(member)).toEqual(['joined recovered', 'live']);
    for (const event of late) under.event(event);
    expect(pulled(member)).toEqual(expected);
    expect(under.signals.of('gap sequence')).toBe(0);
  });

  it('what was before the state before never comes', () => {
    const { under } = ahead();
    expect(pulled(under.join({ cursor: at(4) }))).toEqual(['joined too_old snapshot 8', 'live']);
  });

  it('the first state that is heard of may be ahead too', () => {
    const under = new RoomUnderTest();
    under.live(LATER);
    const late = [under.history.equity(), under.history.alert()];
    under.state(under.history.state(), LATER_MS + 1_000);
    const member = under.join({ cursor: at(0) });
    expect(pulled(member)).toEqual(['joined recovered', 'live']);
    for (const event of late) under.event(event);
    expect(pulled(member)).toEqual(['1', '2']);
  });

  it('one whose events were not lost by anybody and still never come is overtaken by watermarks', () => {
    const under = new RoomUnderTest();
    under.live(LATER);
    under.history.equity();
    under.state(under.history.state(), LATER_MS + 1_000);
    const member = under.join({ cursor: at(0) });
    expect(pulled(member)).toEqual(['joined recovered', 'live']);
    under.live(new Date(LATER_MS + 60_000).toISOString());
    expect(pulled(member)).toEqual(['snapshot 1 too_old']);
  });

  it('so it is with a ring', () => {
    const { under } = ahead();
    const member = under.join({ cursor: at(5) });
    expect(pulled(member)).toEqual(['joined recovered', 'live']);
    under.live(new Date(LATER_MS + 60_000).toISOString());
    expect(pulled(member)).toEqual(['snapshot 8 gap']);
    expect(pulled(under.join({ cursor: at(5) }))).toEqual(['joined gap snapshot 8', 'live']);
    under.trade();
    expect(pulled(member)).toEqual(['9']);
  });

  it('a transaction may commit some seconds later than its rows were written, and its watermark not know', () => {
    const under = new RoomUnderTest();
    under.live(LATER);
    const late = under.history.equity();
    under.state(under.history.state(), LATER_MS - 9_000);
    const member = under.join({ cursor: at(0) });
    under.event(late);
    expect(pulled(member)).toEqual(['joined recovered', 'live', '1']);
  });
});

describe('a member that lives', () => {
  it('gets every frame once, in order; states change nothing, early or late', () => {
    const under = roomOf20();
    const member = under.join({ cursor: at(20) });
    pulled(member);
    const first = under.history.equity();
    const alert = under.history.alert();
    under.state(); // the state of 22, before its events
    expect(pulled(member)).toEqual([]);
    under.event(first);
    under.event(alert);
    under.event(first); // the relay repeats itself
    expect(pulled(member)).toEqual(['21', '22']);
    expect(under.signals.of('duplicate')).toBe(1);
  });

  it('may join while the state is ahead of the events: they are skipped when they come', () => {
    const under = roomOf20();
    const late = [under.history.equity(), under.history.equity()];
    under.state();
    const member = under.join();
    expect(pulled(member)).toEqual(['joined no_cursor snapshot 22', 'live']);
    for (const event of late) under.event(event);
    expect(pulled(member)).toEqual([]);
    under.trade();
    expect(pulled(member)).toEqual(['23']);
  });

  it('after a gap waits for a state that reaches the new ring, and says meanwhile that it is not live', () => {
    const under = roomOf20();
    const member = under.join({ cursor: at(20) });
    pulled(member);
    under.history.equity(); // 21 never arrives
    const early = under.history.state();
    under.history.equity(); // nor does 22
    under.event(under.history.equity());
    expect(pulled(member)).toEqual(['stale behind']);
    under.event(under.history.equity());
    under.state(early);
    expect(pulled(member)).toEqual([]); // the ring begins behind it
    under.state();
    expect(pulled(member)).toEqual(['snapshot 24 gap', 'live']);
    expect(under.signals.of('gap sequence')).toBe(1);
  });

  it('gets the state of a new epoch, however low its sequence', () => {
    const under = roomOf20();
    const member = under.join({ cursor: at(20) });
    pulled(member);
    under.history.rewind();
    under.trade();
    expect(pulled(member)).toEqual(['snapshot 1 epoch']);
    under.trade();
    expect(pulled(member)).toEqual(['1/2']);
    expect(under.signals.of('gap epoch')).toBe(1);
  });

  it('gets the state of a new epoch although no event of it has come', () => {
    const under = roomOf20();
    const member = under.join({ cursor: at(20) });
    pulled(member);
    under.history.rewind();
    under.state();
    expect(member.isAwake).toBe(true);
    expect(pulled(member)).toEqual(['snapshot 0 epoch']);
  });

  it('that lags behind the ring gets a snapshot in place of what went', () => {
    const under = new RoomUnderTest({ frames: 8, bytes: 1e9 });
    under.trade();
    under.live();
    const member = under.join({ cursor: at(1) });
    pulled(member);
    for (let count = 0; count < 12; count += 1) under.event(under.history.alert());
    expect(pulled(member)).toEqual(['stale behind']);
    under.state();
    expect(pulled(member)).toEqual(['snapshot 13 too_old', 'live']);
  });

  it('when conflated gets the last of each run of equity updates, and every alert', () => {
    const under = roomOf20();
    const member = under.join({ cursor: at(20) });
    pulled(member);
    const { history } = under;
    for (const fact of [history.equity(), history.equity(), history.equity(), history.alert(), history.equity()])
      under.event(fact);
    expect(pulled(member, { conflates: true })).toEqual(['23 after 20', '24', '25']);
  });

  it('is told live behind the frames it speaks of, and stale at once', () => {
    const under = roomOf20();
    const member = under.join({ cursor: at(20) });
    pulled(member);
    under.standings.set(0, { state: 'stale', asOf: null, reason: 'watermark_old' });
    under.trade();
    expect(pulled(member)).toEqual(['stale watermark_old', '21']);
    under.trade();
    under.live();
    expect(pulled(member)).toEqual(['22', 'live']);
  });

  it('of a parked challenge is never told live', () => {
    const under = roomOf20();
    under.standings.park(new Set([under.history.challengeId]));
    expect(pulled(under.join())).toEqual(['joined no_cursor snapshot 20', 'stale parked']);
    under.standings.park(new Set());
    expect(pulled(under.join())).toEqual(['joined no_cursor snapshot 20', 'live']);
  });

  it('joins again from the cursor it has, and is answered anew', () => {
    const under = roomOf20();
    const member = under.join();
    pulled(member);
    under.trade(2);
    member.member.rejoin({ cursor: at(20), history: 0 });
    expect(pulled(member)).toEqual(['joined recovered', 'live', '21', '22']);
  });
});

describe('a room in doubt', () => {
  it('believes the state that is beyond its head: the events may be lost', () => {
    const under = roomOf20();
    const member = under.join({ cursor: at(20) });
    pulled(member);
    under.history.equity(); // lost
    under.state();
    expect(pulled(member)).toEqual([]);
    under.room.doubt();
    expect(pulled(member)).toEqual(['snapshot 21 gap']);
    under.trade();
    expect(pulled(member)).toEqual(['22']);
  });

  it('also when that state comes later', () => {
    const under = roomOf20();
    const member = under.join({ cursor: at(20) });
    pulled(member);
    under.room.doubt();
    expect(pulled(member)).toEqual([]);
    under.history.equity(); // lost
    under.state();
    expect(pulled(member)).toEqual(['snapshot 21 gap']);
  });

  it('believes every such state until the next event: what was lost may be what comes after the first', () => {
    const under = new RoomUnderTest();
    under.state();
    under.live();
    const member = under.join();
    expect(pulled(member)).toEqual(['joined no_cursor snapshot 0', 'live']);
    under.history.equity(); // lost, and told to be before its state has come
    under.room.doubt();
    expect(pulled(member)).toEqual([]);
    under.state();
    expect(pulled(member)).toEqual(['snapshot 1 gap']);
  });

  it('is in no doubt any more once the next event has come', () => {
    const under = roomOf20();
    under.room.doubt();
    under.event(under.history.equity());
    const late = under.history.equity();
    under.state();
    const member = under.join({ cursor: at(21) });
    under.event(late);
    expect(pulled(member)).toEqual(['joined recovered', 'live', '22']);
  });
});

describe('a challenge that changes hands (promise 4)', () => {
  it('empties its room and its ring before anything is delivered', () => {
    const under = roomOf20();
    const former = under.join({ cursor: at(20) });
    pulled(former);
    under.history.userId = 'new-owner' as typeof under.history.userId;
    under.event(under.history.equity());
    under.state();
    expect(former.isEvicted).toBe(true);
    expect(under.room.owner).toBe('new-owner');
    expect(under.room.members.length).toBe(0);
    expect(pulled(under.join({ cursor: at(18) }))).toEqual(['joined gap snapshot 21', 'live']);
  });

  it('does not go back with a late event of the former owner, which nobody gets', () => {
    const under = roomOf20();
    const former = under.history.userId;
    const late = under.history.equity();
    under.history.userId = 'new-owner' as typeof former;
    const change = under.history.status();
    under.state(); // the new owner's, ahead of both events
    under.event(late);
    expect(under.room.owner).toBe('new-owner');
    under.event(change);
    expect(pulled(under.join({ cursor: at(20) }))).toEqual(['joined gap snapshot 22', 'live']);
    expect(pulled(under.join({ cursor: at(21) }))).toEqual(['joined recovered', 'live', '22']);
  });

  it('gives the new owner nothing of the former one: not the state there was, nor one that comes late', () => {
    const under = roomOf20();
    under.history.equity();
    const late = under.history.state(); // the former owner's, of 21
    under.history.userId = 'new-owner' as typeof under.history.userId;
    under.event(under.history.status());
    const joined = under.join();
    under.state(late);
    expect(pulled(joined)).toEqual(['joined no_cursor', 'stale behind']);
    under.state();
    expect(pulled(joined)).toEqual(['snapshot 22 no_cursor', 'live']);
  });
});
