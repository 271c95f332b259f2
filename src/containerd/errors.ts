/** Errors in containerd's words: the text that a client prints, and the code that it decides by. */
import { Code, ConnectError } from '@connectrpc/connect';

/** What a client sees is `<what>: not found`. */
const of = (words: string, code: Code) => (what: string) => new ConnectError(`${what}: ${words}`, code);

export const notFound = of('not found', Code.NotFound);
export const alreadyExists = of('already exists', Code.AlreadyExists);
export const invalidArgument = of('invalid argument', Code.InvalidArgument);
export const failedPrecondition = of('failed precondition', Code.FailedPrecondition);
export const unavailable = of('unavailable', Code.Unavailable);
export const notImplemented = of('not implemented', Code.Unimplemented);

export const isCode = (error: unknown, code: Code): boolean => error instanceof ConnectError && error.code === code;
export const isNotFound = (error: unknown): boolean => isCode(error, Code.NotFound);
export const isAlreadyExists = (error: unknown): boolean => isCode(error, Code.AlreadyExists);
