/** A command that failed for a reason that is the daemon's, or the machine's, and not in what was typed. */
export class CommandFailed extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode = 1) {
    super(message);
    this.name = 'CommandFailed';
    this.exitCode = exitCode;
  }
}

/** What docker-modem throws for an answer that is no success. */
export interface AnswerError extends Error {
  statusCode: number;
  reason?: string;
  json?: { message?: string } | null;
}

export const isAnswer = (error: unknown): error is AnswerError => typeof (error as AnswerError | undefined)?.statusCode === 'number';

/** The daemon's own sentence, without what docker-modem puts round it. */
export function answerOf(error: AnswerError): string {
  const said = error.json?.message;
  if (typeof said === 'string' && said !== '') return said.trimEnd();
  const prefix = `(HTTP code ${error.statusCode}) ${error.reason ?? 'unexpected'} - `;
  return (error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message).trimEnd();
}

/** As Docker's client says it. */
export const sentenceOf = (error: AnswerError): string => `Error response from daemon: ${answerOf(error)}`;
