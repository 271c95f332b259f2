/** A few commands that belong together, typed to minirund and to the real dockerd, whose answers are compared. */
import { expect } from 'vitest';
import type { DockerDaemon } from './minirund.ts';
import type { Typed } from './transcript.ts';

/** A command whose answers differ for a reason; ours must match these. */
export interface Differing {
  command: string;
  reason: string;
  code?: number;
  out?: RegExp;
  err?: RegExp;
  /** Not typed to the real one. */
  alone?: boolean;
}

export interface Scene {
  name: string;
  commands: readonly (string | Differing)[];
}

export const scene = (name: string, commands: Scene['commands']): Scene => ({ name, commands });

/** The same, where ours is another on purpose. @param ours what of our answer must hold; without, only that there is one */
export const differs = (reason: string, command: string, ours: Omit<Differing, 'command' | 'reason'> = {}): Differing => ({
  command,
  reason,
  ...ours,
});

const commandOf = (line: string | Differing): string => (typeof line === 'string' ? line : line.command);

/** What differs from run to run, by what it is. */
const CHANGING: [RegExp, string][] = [
  [/\/tmp\/minirun-swap-\w+/g, '<folder>'],
  [/\b[0-9a-f]{64}\b/g, '<id>'],
  [/\b(?=[0-9a-f]*\d)[0-9a-f]{12}\b/g, '<short id>'],
  [/\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| ?[+-]\d\d:?\d\d( UTC)?)?/g, '<time>'],
  [/\b(\d+|an?|about an?|less than a) (second|minute)s?\b( ago)?/gi, '<span>'],
  // gRPC's word for errors that it cannot sort, which Docker shows and we do not.
  [/: unknown(\.?)$/gm, '$1'],
  // An older docker says this when the answer to its start comes before the one to its wait.
  [/^.*error waiting for container: context canceled.*(\n|$)/gm, ''],
  [/^See 'docker run --help'\.(\n|$)/gm, ''],
];

const normal = (text: string): string => CHANGING.reduce((rest, [pattern, name]) => rest.replace(pattern, name), text).trimEnd();

/** In the form of a terminal, so that a failure shows what a person would see. */
const shown = ({ command, code, out, err }: Typed): string =>
  [`$ ${command}`, normal(out), ...(err.trim() === '' ? [] : ['stderr:', normal(err)]), `exit code ${code}`].filter(Boolean).join('\n');

// Until minirund has a bridge it warns of each container that has none; one that says so is not warned of.
const NO_BRIDGE = `eval "typed_$(declare -f docker)"
docker() {
  case " $* " in
    ' run '*' --network '* | ' create '*' --network '*) ;;
    ' run '* | ' create '*) set -- "$1" --network none "${'$'}{@:2}" ;;
  esac
  typed_docker "$@"
}`;

const typed = async (daemon: DockerDaemon, lines: readonly string[]): Promise<Typed[]> =>
  (await daemon.type([NO_BRIDGE, ...lines])).slice(1);

/** Plays it on both. @throws (by expect) with all commands whose answers differ */
export async function play({ commands }: Scene, ours: DockerDaemon, real: DockerDaemon | undefined): Promise<void> {
  const mineLines = commands.map(commandOf);
  const theirLines = commands.map((line) => (typeof line !== 'string' && line.alone ? ':' : commandOf(line)));
  const [mine, theirs] = await Promise.all([typed(ours, mineLines), real && typed(real, theirLines)]);
  for (const [i, line] of commands.entries()) {
    if (typeof line === 'string') continue;
    const { code, out, err } = mine[i] as Typed;
    const { code: wantedCode = code, out: wantedOut = /(?:)/, err: wantedErr = /(?:)/ } = line;
    expect.soft(code, `${line.command}\n${err}`).toBe(wantedCode);
    expect.soft(out, line.command).toMatch(wantedOut);
    expect.soft(err, line.command).toMatch(wantedErr);
  }
  const compared = (all: readonly Typed[]) => all.filter((_, i) => typeof commands[i] === 'string').map(shown);
  if (theirs) expect(compared(mine).join('\n\n')).toBe(compared(theirs).join('\n\n'));
}
