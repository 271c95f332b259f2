/** The streams of a shim's containers: what readers and writers of the fifos see. */
import { closeSync, constants, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Status } from '../../src/proto/containerd/types/task_pb.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { BUSYBOX } from './support/minirun.ts';
import { type Bench, openBench, type Reader, reader, until } from './support/shim.ts';

const withTerminal = (config: Config): void => {
  if (config.process) config.process.terminal = true;
};

describe.skipIf(process.getuid?.() !== 0)('the streams of a shim', () => {
  let bench: Bench;
  beforeAll(() => {
    bench = openBench();
  });
  afterAll(() => bench.close());

  /** Creates and starts it; what is left is its caller's. */
  async function begin(args: string[], io: Record<string, string>, terminal = false, alter?: (config: Config) => void) {
    const at = bench.bundle(args, (config) => {
      if (terminal) withTerminal(config);
      alter?.(config);
    });
    await bench.task.create(bench.request(at, { ...io, terminal }));
    await bench.task.start({ id: at.id });
    return at.id;
  }
  async function end(id: string): Promise<number> {
    const { exitStatus } = await bench.task.wait({ id });
    await bench.task.delete({ id });
    return exitStatus;
  }

  it('standard input ends when CloseIO was called and the client has closed its end', async () => {
    const io = bench.fifos('stdin', 'stdout');
    const out = reader(io.stdout as string);
    const id = await begin(['/bin/cat'], io);
    for (const line of ['one\n', 'two\n']) {
      const fd = openSync(io.stdin as string, 'w');
      writeSync(fd, line);
      closeSync(fd);
      await until(`cat says ${line}`, () => out.text().endsWith(line));
    }
    expect((await bench.task.state({ id })).status).toBe(Status.RUNNING);
    const last = openSync(io.stdin as string, 'w');
    await bench.task.closeIO({ id, stdin: true });
    writeSync(last, 'three\n');
    closeSync(last);
    expect((await out.end).toString()).toBe('one\ntwo\nthree\n');
    expect(await end(id)).toBe(0);
  });

  it('a reader that is killed loses nothing for the next one, and no process gets SIGPIPE', async () => {
    const io = bench.fifos('stdout');
    const first = reader(io.stdout as string);
    const lines = 40_000;
    const id = await begin(['/bin/sh', '-c', `i=0; while [ $i -lt ${lines} ]; do echo line $i; i=$((i+1)); done`], io);
    await until('the first lines', () => first.bytes().length > 10_000);
    first.process.kill('SIGSTOP');
    first.process.kill('SIGKILL');
    const begun = (await first.end).toString();
    const second = reader(io.stdout as string);
    expect(await end(id)).toBe(0);
    const all = begun + (await second.end).toString();
    // What cat had read, and not handed on, died with it: a whole read at most.
    const missing = lines - all.split('\n').filter((line) => /^line \d+$/.test(line)).length;
    expect(missing * 11).toBeLessThan(140_000);
    expect(all.endsWith(`line ${lines - 1}\n`)).toBe(true);
  });

  it('output that nobody has read is there for a late reader, even after the end', async () => {
    const io = bench.fifos('stdout', 'stderr');
    const id = await begin(['/bin/sh', '-c', 'echo late; echo words >&2'], io);
    await bench.task.wait({ id });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const [out, err] = [reader(io.stdout as string), reader(io.stderr as string)];
    expect((await out.end).toString()).toBe('late\n');
    expect((await err.end).toString()).toBe('words\n');
    await bench.task.delete({ id });
  });

  it('one that is read ends by itself, whether somebody reads the other one or not', async () => {
    const io = bench.fifos('stdout', 'stderr');
    const out = reader(io.stdout as string);
    const id = await begin(['/bin/sh', '-c', 'echo out; echo err >&2'], io);
    await bench.task.wait({ id });
    expect((await out.end).toString()).toBe('out\n');
    await bench.task.delete({ id });
  });

  it('a process that is not root may open its streams again', async () => {
    // No input: /dev/null is everybody's, and stays root's.
    const io = bench.fifos('stdout', 'stderr');
    const [out, err] = [reader(io.stdout as string), reader(io.stderr as string)];
    const id = await begin(
      ['/bin/sh', '-c', 'echo again > /dev/stdout; echo and again > /proc/self/fd/2; stat -c %u /dev/null'],
      io,
      false,
      (config) => {
        if (config.process) config.process.user = { uid: 1000, gid: 1000 };
      },
    );
    expect((await out.end).toString()).toBe('again\n0\n');
    expect((await err.end).toString()).toBe('and again\n');
    expect(await end(id)).toBe(0);
  });

  it('appends to files, and takes no streams at all', async () => {
    const file = join(bench.folder, 'a log');
    writeFileSync(file, 'before\n');
    const id = await begin(['/bin/sh', '-c', 'cat; echo out; echo err >&2'], { stdout: `file://${encodeURI(file)}` });
    expect(await end(id)).toBe(0);
    expect(readFileSync(file, 'utf8')).toBe('before\nout\nerr\n');
    expect(await end(await begin(['/bin/sh', '-c', 'cat; echo out; echo err >&2; exit 3'], {}))).toBe(3);
  });

  it('gives them to a logging program, which is told whose they are', async () => {
    const file = join(bench.folder, 'logged');
    const program = join(bench.folder, 'logger.sh');
    writeFileSync(program, `#!/bin/sh\n{ echo "$CONTAINER_NAMESPACE $# $1 $2"; exec 5>&-; cat <&3; cat <&4; } > ${file}\n`, {
      mode: 0o755,
    });
    const id = await begin(['/bin/sh', '-c', 'echo out; echo err >&2'], { stdout: `binary://${program}?name=value&word` });
    expect(await end(id)).toBe(0);
    await until('the log', () => readFileSync(file, 'utf8').endsWith('err\n'));
    expect(readFileSync(file, 'utf8')).toBe('test 3 name value\nout\nerr\n');
  });

  it('says which stream is not there, and leaves nothing', async () => {
    const at = bench.bundle(['/bin/true']);
    await expect(bench.task.create(bench.request(at, { stdout: '/nowhere/fifo' }))).rejects.toThrow(
      "failed to create init process I/O: ENOENT: no such file or directory, open '/nowhere/fifo'",
    );
    await expect(bench.task.create(bench.request(at, { stdout: 'http://there' }))).rejects.toThrow('unknown STDIO scheme http');
    await expect(bench.task.state({ id: at.id })).rejects.toThrow('container not created');
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(at.bundle);
  });

  describe('a terminal', () => {
    it('echoes, has the size that was asked for, and passes bytes as they are', async () => {
      const io = bench.fifos('stdin', 'stdout');
      const out = reader(io.stdout as string);
      const id = await begin(['/bin/sh'], io, true);
      await bench.task.resizePty({ id, width: 132, height: 43 });
      const keys = openSync(io.stdin as string, 'w');
      writeSync(keys, 'stty size; tty\n');
      await until('the size', () => /43 132\r\n\/dev\/pts\/0\r\n/.test(out.text()));
      writeSync(keys, 'stty -opost; echo BEGIN; cat /bin/busybox; echo END\n');
      await until('all of it', () => out.bytes().includes('END\n'), 20_000);
      const bytes = out.bytes();
      const [from, to] = [bytes.lastIndexOf('BEGIN\n') + 6, bytes.lastIndexOf('END\n')];
      expect(bytes.subarray(from, to).equals(readFileSync(join(BUSYBOX, 'bin/busybox')))).toBe(true);
      writeSync(keys, 'exit 9\n');
      closeSync(keys);
      expect(await end(id)).toBe(9);
      await out.end;
    });

    it('the end of input is typed once the client is gone and CloseIO was called', async () => {
      const io = bench.fifos('stdin', 'stdout');
      const out = reader(io.stdout as string);
      const id = await begin(['/bin/cat'], io, true);
      const keys = openSync(io.stdin as string, 'w');
      writeSync(keys, 'typed\n');
      closeSync(keys);
      await until('the echo', () => out.text() === 'typed\r\ntyped\r\n');
      await bench.task.closeIO({ id, stdin: true });
      expect(await end(id)).toBe(0);
      await out.end;
    });

    it('all output comes before the end, and a flood waits for a slow reader', async () => {
      const io = bench.fifos('stdout');
      const id = await begin(['/bin/sh', '-c', 'i=0; while [ $i -lt 30000 ]; do echo line $i; i=$((i+1)); done; echo last'], io, true);
      await new Promise((resolve) => setTimeout(resolve, 300));
      // Nobody reads yet: the container waits, the shim does not.
      expect((await bench.task.state({ id })).status).toBe(Status.RUNNING);
      const out = reader(io.stdout as string);
      expect(await end(id)).toBe(0);
      const lines = (await out.end).toString().split('\r\n');
      expect(lines.length).toBe(30_002);
      expect(lines.at(-2)).toBe('last');
    });

    it('typing that nobody reads does not stop the shim', async () => {
      const io = bench.fifos('stdin', 'stdout');
      const out: Reader = reader(io.stdout as string);
      const id = await begin(['/bin/sh', '-c', 'stty raw -echo; echo ready; sleep 600'], io, true);
      await until('raw', () => out.text().includes('ready'));
      const keys = openSync(io.stdin as string, constants.O_WRONLY | constants.O_NONBLOCK);
      let sent = 0;
      for (let i = 0; i < 100; i++) {
        try {
          sent += writeSync(keys, Buffer.alloc(4096, 'x'));
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }
      expect(sent).toBeGreaterThan(65_536);
      expect((await bench.task.state({ id })).status).toBe(Status.RUNNING);
      await bench.task.kill({ id, signal: 9 });
      expect(await end(id)).toBe(137);
      closeSync(keys);
      await out.end;
    });
  });
});
