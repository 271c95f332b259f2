/** A failure of a layer below, with the exit code that Docker makes of its words. */

const NOT_FOUND = /executable file not found|no such file or directory/;
const NOT_ALLOWED = /permission denied|exec format error|is a directory/i;

export class ThroughError extends Error {
  /** 127: the command was not found; 126: it cannot be executed; 125: all else. */
  readonly exitCode: number;

  constructor(cause: Error) {
    // Connect puts its code before the message.
    super(cause.message.replace(/^\[\w+\] /, ''), { cause });
    this.name = 'ThroughError';
    const isStart = /unable to start container process|exec: "/.test(this.message);
    this.exitCode = isStart && NOT_FOUND.test(this.message) ? 127 : isStart && NOT_ALLOWED.test(this.message) ? 126 : 125;
  }
}
