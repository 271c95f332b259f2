/** The daemon's ends of a container's output: what is read is recorded before anything else is, and nobody loses any. */
import { closeSync, constants, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { fifoPaths, makeFifos } from '../../../src/dockerd/container/fifos.ts';
import { type Listener, openStreams, type Streams } from '../../../src/dockerd/container/streams.ts';

let folder: string;
let streams: Streams;
let recorded: { stdout: number; stderr: number };
/** The process's ends; non-blocking, so that a full pipe is told. */
let process: { stdout: number; stderr: number };

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'minirun-streams-'));
  const paths = fifoPaths(folder, 'init', { stdin: false, tty: false });
  makeFifos(paths, folder);
  recorded = { stdout: 0, stderr: 0 };
  streams = openStreams(paths, {
    record: (stream, chunk) => {
      recorded[stream] += chunk.length;
    },
    closeIO: () => undefined,
  });
  const open = (path: string) => openSync(path, constants.O_WRONLY | constants.O_NONBLOCK);
  process = { stdout: open(paths.stdout), stderr: open(paths.stderr) };
  streams.opened();
});
afterEach(() => {
  for (const fd of Object.values(process)) if (fd >= 0) closeSync(fd);
  streams.close();
  rmSync(folder, { recursive: true });
});

function end(): void {
  for (const stream of ['stdout', 'stderr'] as const) {
    closeSync(process[stream]);
    process[stream] = -1;
  }
}

/** Writes until the pipe is full. @returns how much */
function fill(fd: number): number {
  const chunk = Buffer.alloc(4096, 'x');
  for (let total = 0; ; total += chunk.length) {
    try {
      writeSync(fd, chunk);
    } catch (error) {
      expect((error as NodeJS.ErrnoException).code).toBe('EAGAIN');
      return total;
    }
  }
}

it('all is recorded, to the end', async () => {
  let total = 0;
  for (let i = 0; i < 5; i++) {
    total += fill(process.stdout);
    await sleep(10);
  }
  writeSync(process.stderr, 'last');
  end();
  await streams.ended;
  expect(recorded).toEqual({ stdout: total, stderr: 4 });
});

it('a listener sees the same', async () => {
  const seen: string[] = [];
  let over = false;
  const listener: Listener = {
    output: (stream, chunk) => seen.push(`${stream}: ${chunk}`) > 0,
    end: () => {
      over = true;
    },
  };
  streams.attach(listener);
  writeSync(process.stdout, 'a');
  await sleep(10);
  writeSync(process.stderr, 'b');
  await sleep(10);
  end();
  await streams.ended;
  expect(seen).toEqual(['stdout: a', 'stderr: b']);
  expect(over).toBe(true);
});

it('while a listener has enough nothing is taken that is not recorded: a daemon that is killed loses nothing', async () => {
  let seen = 0;
  const listener: Listener = {
    output(_stream, chunk) {
      seen += chunk.length;
      return false;
    },
    end: () => undefined,
  };
  streams.attach(listener);
  fill(process.stdout);
  await sleep(20);
  const taken = recorded.stdout;
  expect(seen).toBe(taken);
  fill(process.stdout);
  await sleep(20);
  // All of that is still in the pipe.
  expect(fill(process.stdout)).toBe(0);
  expect(recorded.stdout).toBe(taken);
  streams.resume(listener);
  await sleep(20);
  expect(recorded.stdout).toBeGreaterThan(taken);
});

it('at the end of the process the rest is taken, however slow a listener is', async () => {
  let seen = 0;
  streams.attach({
    output(_stream, chunk) {
      seen += chunk.length;
      return false;
    },
    end: () => undefined,
  });
  let total = fill(process.stdout);
  await sleep(20);
  total += fill(process.stdout);
  end();
  streams.drain();
  await streams.ended;
  expect(recorded.stdout).toBe(total);
  expect(seen).toBe(total);
});
