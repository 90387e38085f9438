/** Marks that arrive together are decided one by one and written once. */
export { MarkIntake, type MarkSink, type MarksAnswer, type RejectedMark } from './mark-intake.js';
