/** Programs as documents: from files into the table, and from there to whoever judges. */
export { BadProgram, PRESETS_DIR, readDocuments } from './program-files.js';
export { ProgramShelf } from './program-shelf.js';
