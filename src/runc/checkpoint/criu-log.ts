/** What went wrong, from criu's log: its answer on the socket is only an errno. */
import { readFileSync } from 'node:fs';

/** Words of criu's log → what a person can do. The first that fits is said. */
const HINTS: [words: RegExp, hint: string][] = [
  [
    /vdso: Unexpected|kerndat_\w+ failed|Failed to init kerndat|Could not initialize kernel features/,
    'this criu is too old for this kernel: criu check says whether they fit; a newer criu is needed',
  ],
  [/--tcp-established|[Cc]onnected TCP/, 'it has open TCP connections: use --tcp-established'],
  [/--skip-in-flight|In-flight connection/, 'TCP connections to it are just being made: use --tcp-skip-in-flight'],
  [/--ext-unix-sk|External socket/, 'it is connected to a unix socket outside of it: use --ext-unix-sk'],
  [/--file-locks|file locks/, 'it holds locks on files: use --file-locks'],
  [/--shell-job|Found dangling tty|not session leader/, 'it uses a terminal that is not its own: use --shell-job'],
  [
    /doesn't have a proper root mount|is not a subpath|Can't lookup mount|unreachable sharing/,
    'it uses something of the host that its configuration does not name, and which criu cannot restore',
  ],
  [
    /Can't restore file pos/,
    'standard input, output or error was a file at the checkpoint: a file has to take its place, not a pipe or a terminal',
  ],
  [/io_uring/, 'it uses io_uring, which criu cannot save'],
  [
    /Can't mount|Can't bind-mount|No mapping for/,
    'a mount of the checkpoint cannot be made again: config.json must have the same mounts as at the checkpoint',
  ],
  [/Pid \d+ do not match|Can't fork for \d+: File exists/, 'a process number that it needs is taken'],
  [/Network lock|network lock|iptables-restore/, 'the network cannot be locked: criu needs iptables or nft for this'],
]; // prettier-ignore

/** What criu tries and can do without. */
const HARMLESS = /tun: Unable to create tun|rlimit: Can't setup RLIMIT_NOFILE/;

/** The first error of a log (the others follow from it), without time and place in criu's source. */
export function firstError(log: string): string | undefined {
  const line = log.split('\n').find((l) => l.includes('Error (') && !HARMLESS.test(l));
  return line?.replace(/^\([\d.]+\)\s*(\d+: )?/, '').trim();
}

/** What to do about it, as far as its words are known. */
export const hintFor = (log: string): string | undefined => {
  const errors = log.split('\n').filter((l) => /Error \(/.test(l) && !HARMLESS.test(l));
  return HINTS.find(([words]) => errors.some((line) => words.test(line)))?.[1];
};

/**
 * One line that explains a failure: criu's answer, its first error, what to do, and where the log is.
 * Engines show the first line of what a runtime says, so all of it is on that one.
 * @param path of the log
 */
export function explainFailure(message: string, path: string): string {
  let log = '';
  try {
    log = readFileSync(path, 'utf8');
  } catch {
    return message; // criu did not come so far
  }
  const parts = [message, firstError(log), hintFor(log)].filter((part) => part !== undefined);
  return `${parts.join('; ')}; log file: ${path}`;
}
