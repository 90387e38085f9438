import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { presets } from '../../../support/trade-core.js';
import { Player, programIn, vectorFiles } from '../../../support/vectors.js';

const files = vectorFiles(join(fileURLToPath(new URL('.', import.meta.url)), 'vectors'));

describe.each(files)('a challenge by $file', (file) => {
  it.each(file.vectors)('$name', (vector) => {
    const player = new Player(programIn(file), vector);
    for (const step of vector.steps) player.take(step);
  });
});

it('every preset has vectors', () => {
  const played = new Set(files.map((file) => programIn(file).id));
  expect(presets.all().filter(({ id }) => !played.has(id))).toEqual([]);
});

it('every vector comes out the same beside the others, in whatever order', () => {
  const all = files.flatMap((file) => file.vectors.map((vector) => ({ program: programIn(file), vector })));
  for (const order of [all, all.toReversed()]) {
    const players = order.map(({ program, vector }) => ({ player: new Player(program, vector), vector }));
    const longest = Math.max(...players.map(({ vector }) => vector.steps.length));
    for (let index = 0; index < longest; index += 1)
      for (const { player, vector } of players) {
        const step = vector.steps[index];
        if (step !== undefined) player.take(step);
      }
  }
});
