import { Board } from './board.js';
import { NOW_MS, SAMPLES } from './samples.js';

const nothing = (): void => undefined;

/** The page in each of its states, with fixed figures: for whoever changes how it looks. */
export function Gallery() {
  return (
    <main>
      <h1 className="visually-hidden">The page in each of its states</h1>
      {Object.entries(SAMPLES).map(([name, { shown, session }]) => (
        <div key={name} data-sample={name}>
          <p className="sample-name">{name}</p>
          <Board
            shown={shown}
            session={session}
            nowMs={NOW_MS}
            notice={name === 'live' ? 'Caught up 14 events' : null}
            onClear={nothing}
            onRefresh={nothing}
            onSignOut={nothing}
          />
        </div>
      ))}
    </main>
  );
}
