/** Errors as containerd's clients know them: the code decides, and the text ends with the code's words. */
import { Code, ConnectError } from '@connectrpc/connect';

const of = (words: string, code: Code) => (what: string) => new ConnectError(`${what}: ${words}`, code);

export const notFound = of('not found', Code.NotFound);
export const alreadyExists = of('already exists', Code.AlreadyExists);
export const failedPrecondition = of('failed precondition', Code.FailedPrecondition);
export const invalidArgument = of('invalid argument', Code.InvalidArgument);
export const notImplemented = of('not implemented', Code.Unimplemented);

/** Without a code: clients print `<what>: unknown`. Docker looks into the text to choose its exit code. */
export const unknown = (what: string): ConnectError => new ConnectError(what, Code.Unknown);

export const messageOf = (error: unknown): string =>
  error instanceof ConnectError ? error.rawMessage : error instanceof Error ? error.message : String(error);
