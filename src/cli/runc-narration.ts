/**
 * --explain and MINIRUN_EXPLAIN of minirun-runc: each call that an engine makes is told as one block, with
 * who made it and how it ended. Several calls may write to one file at the same time, so a block is
 * written at once (O_APPEND: open(2)), and goes on under a heading of its own where it has to wait.
 */
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Narrator, narrator, showTime } from '../explain/narrate.ts';
import { harmless } from '../explain/quote.ts';
import { shWord } from '../explain/sh-text.ts';
import type { Narration, RuntimeCall } from '../runc/commands/command.ts';
import { writeAll } from './write-all.ts';

const WIDTH = 100;

/** How the story of a command begins. */
export const OPENINGS: Record<string, (steps: number) => string> = {
  create: (steps) => `A container is made in ${steps} steps; the last ones wait for \`start\`.`,
  run: (steps) => `A container is made and started in ${steps} steps.`,
  restore: (steps) => `A container is restored in ${steps} steps.`,
  exec: (steps) => `A further process is started in the container, in ${steps} steps.`,
};

/** The process that called, as /proc names it: `conmon, process 4711`. */
function caller(): string {
  const { ppid } = process;
  if (ppid === 0) return 'a process outside of this pid namespace';
  try {
    return `${harmless(readFileSync(`/proc/${ppid}/comm`, 'utf8').trim())}, process ${ppid}`;
  } catch {
    return `process ${ppid}`;
  }
}

/** `2026-11-23 23:41:07.120 UTC` */
const now = (): string => new Date().toISOString().replace('T', ' ').replace('Z', ' UTC');

/** Steps that may take as long as another program likes. */
const WAITS = new Set(['run_hook', 'posix_spawn']);

/** The file that a call is told in: in a folder one for each container. */
export function fileFor(to: string, id: string): string {
  const isFolder = statSync(to, { throwIfNoEntry: false })?.isDirectory() === true;
  return isFolder ? join(to, `${id.replace(/[^\w+.-]/g, '_')}.txt`) : to;
}

/**
 * Begins the story of one call.
 * @param to a file that it is appended to, or a folder; undefined: standard error
 * @param warn told when the file cannot be written: that is no reason not to make a container
 */
export function openRuncNarration(to: string | undefined, call: RuntimeCall, warn: (sentence: string) => void): Narration {
  const begun = process.hrtime.bigint();
  const heading = `== ${call.command} ${harmless(call.id)}`;
  let fd = 2;
  try {
    if (to !== undefined) fd = openSync(fileFor(to, call.id), 'a', 0o600);
  } catch (error) {
    warn(`MINIRUN_EXPLAIN=${to}: cannot be written (${(error as NodeJS.ErrnoException).code}); nothing is told`);
    return { observer: {}, end() {} };
  }
  const title = [
    '',
    heading,
    `   ${now()}, asked for by ${caller()}, in ${harmless(process.cwd())}`,
    `   ${harmless(['minirun-runc', ...process.argv.slice(2)].map(shWord).join(' '))}`,
  ];
  let held = `${title.join('\n')}\n`;
  const flush = () => {
    if (held) writeAll(fd, held);
    held = '';
  };
  let isTold = false;
  const write = (text: string) => {
    held += held || fd === 2 ? text : `\n${heading}, continued\n${text}`;
    if (fd === 2) flush();
  };
  const say = (text: string) => {
    if (!isTold && !text.startsWith('\n')) write('\n');
    isTold = true;
    write(text);
  };
  let failed = false;
  /** Whoever only watches must not be the reason for a failure. */
  const tell = (part: () => void) => {
    if (failed) return;
    try {
      part();
    } catch (error) {
      failed = true;
      warn(`the story of ${call.command} ends early: ${(error as Error).message}`);
    }
  };
  const opening = OPENINGS[call.command];
  const story: Narrator = narrator({ write: say, colour: false, width: WIDTH, ...(opening ? { opening } : {}) });
  return {
    observer: {
      begin(where) {
        tell(() => story.begin(where));
        // A reader who waits as well sees what for.
        if (WAITS.has(where.step.call.name)) flush();
      },
      end(where, outcome) {
        tell(() => story.end(where, outcome));
        // With `run` and `exec` the command may now run for days.
        if (where.step.call.name === 'execve' && outcome.result >= 0) flush();
      },
      hook(hook, ended) {
        tell(() => story.hook(hook, ended));
      },
    },
    end(code, failure) {
      tell(() => story.stop());
      const took = showTime(Number(process.hrtime.bigint() - begun));
      write(`${isTold && held ? '\n' : ''}   exit code ${code} after ${took}${failure === undefined ? '' : `: ${harmless(failure)}`}\n`);
      flush();
      if (fd !== 2) closeSync(fd);
      fd = 2;
    },
  };
}
