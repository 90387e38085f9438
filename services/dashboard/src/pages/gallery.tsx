import { Board } from './board.js';
import { NOW_MS, SAMPLES, points, trades } from './samples.js';

/** The page in each of its states, with fixed figures: for whoever changes how it looks. */
export function Gallery() {
  const nothing = (): void => undefined;
  return (
    <>
      {Object.entries(SAMPLES).map(([name, shown]) => {
        const hasHistory = shown.snapshot !== null && name !== 'empty';
        return (
          <section key={name} className="gallery" data-sample={name}>
            <p className="gallery-name">{name}</p>
            <Board
              shown={shown}
              points={hasHistory ? points : []}
              trades={hasHistory ? trades : []}
              nowMs={NOW_MS}
              notice={name === 'live' ? 'Caught up 14 events' : null}
              onClear={nothing}
              onRefresh={nothing}
            />
          </section>
        );
      })}
    </>
  );
}
