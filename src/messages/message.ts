/**
 * A message that crosses a seam between two layers, as a value. Whoever sends one writes two records:
 * before it is sent, and when its answer is there. So the records of all processes, appended to one
 * file, lie in the order of cause and effect.
 */

/** What a message carries: the fields that are set, shortened and without secrets (carries.ts). */
export type Carried = string | number | boolean | Carried[] | { [field: string]: Carried };
export type Fields = { [field: string]: Carried };

/** One side of a seam: `minirun`, `dockerd`, `containerd`, `shim`, `runc`. */
export type Part = string;

/** Who talks to whom over what. */
export interface Seam {
  from: Part;
  to: Part;
  /** How it travels: `gRPC`, `gRPC in memory`, `ttrpc`, `a new process`, `a call`. */
  protocol: string;
}

export interface Sent extends Seam {
  kind: 'sent';
  /** `PID.NUMBER`: unique on this machine while the story lasts. */
  id: string;
  /** The message whose receiver sends this one in order to answer it. */
  within?: string;
  /** Nanoseconds of the kernel's monotonic clock (clock_gettime(2)), which all processes of a machine share. */
  at: number;
  /** The process that sends. */
  pid: number;
  /** `containerd.services.tasks.v1.Tasks/Create`; of a process or a call, its command: `create`. */
  name: string;
  carries: Fields;
}

export interface Answered {
  kind: 'answered';
  /** That of the message. */
  id: string;
  at: number;
  /** Nanoseconds from sending to the answer. */
  ns: number;
  answer?: Fields;
  /** Instead of an answer, one sentence. */
  failure?: string;
}

/** A step of a program (docs/programs-and-engines.md), made while a message was answered. */
export interface StepTold {
  kind: 'step';
  within?: string;
  at: number;
  /** As `--explain` writes it; may be several lines. Not there where the story is for programs. */
  text?: string;
  /** As `--explain=json` writes it. */
  step?: unknown;
}

/** The program that the next steps belong to, for the page with the picture. */
export interface ProgramTold {
  kind: 'program';
  within?: string;
  at: number;
  /** As `explain --format json` writes it. */
  program: unknown;
}

/** The first line of a story: how its reader wants the steps. */
export interface StoryLook {
  kind: 'story';
  format: 'text' | 'json' | 'html';
  width: number;
  colour: boolean;
  /** Flags as numbers as well. */
  numbers: boolean;
}

export type StoryRecord = Sent | Answered | StepTold | ProgramTold | StoryLook;
