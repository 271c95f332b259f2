/** Exit codes of `run` and `start`, as Docker makes them of the daemon's words. */
import { answerOf, CommandFailed, isAnswer, sentenceOf } from './connect/failed.ts';

const NOT_FOUND = /executable file not found|no such file or directory|system cannot find the file specified/;
const NOT_ALLOWED = /permission denied|is a directory/;

/** 127: the command was not found; 126: it cannot be executed; 125: all else. */
export const startFailure = (words: string): number => (NOT_FOUND.test(words) ? 127 : NOT_ALLOWED.test(words) ? 126 : 125);

/** An answer of the daemon → the same words, with an exit code that says whether the command was at fault. */
export const ofStart = (error: unknown): unknown =>
  isAnswer(error) ? new CommandFailed(sentenceOf(error), startFailure(answerOf(error))) : error;

/** Whatever else the daemon refuses is the failure of `run`, not the container's: 125. */
export function ofRun(error: unknown): unknown {
  if (isAnswer(error)) return new CommandFailed(sentenceOf(error), 125);
  if (error instanceof CommandFailed && error.exitCode === 1) return new CommandFailed(error.message, 125);
  return error;
}

/** The body of `POST /containers/ID/wait`. */
export interface WaitAnswer {
  StatusCode: number;
  Error?: { Message?: string } | null;
}
