/** A person at a terminal, with docker on minirund: run -it, exec -it, attach, detach keys, the window's size. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type DockerDaemon, dockerDaemon } from './support/minirund.ts';
import { noRuntime } from './support/runtime.ts';
import { eventually, hasProgram } from './support/sandbox.ts';
import { type Terminal, terminal } from './support/terminal.ts';
import { undoFailed } from './support/undo-failed.ts';

const reason = noRuntime() ?? (hasProgram('docker') ? undefined : 'needs the program docker');
if (reason) console.log(`minirund-terminal: skipped, ${reason}`);

const CTRL_C = '\x03';
const CTRL_P = '\x10';
const CTRL_Q = '\x11';

describe.skipIf(reason)('docker on minirund, at a terminal', () => {
  let daemon: DockerDaemon;
  undoFailed(() => [daemon]);
  beforeAll(async () => {
    daemon = await dockerDaemon('minirund');
  });
  afterAll(async () => {
    await daemon?.place.end();
  });
  const NONE = ['--network', 'none'];
  const at = (args: string[], size?: [number, number]) => terminal(daemon.place, ['docker', ...args], size, daemon.env);
  const shell = async (args: string[], size?: [number, number]): Promise<Terminal> => {
    const box = at(args, size);
    await box.shows(/# /);
    return box;
  };
  const state = (name: string) => daemon.ok(['inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', name]);
  /** The size arrives after the start: asked for until it has. */
  const sized = (box: Terminal, size: string) =>
    eventually(`the size is ${size}`, async () => {
      box.type('stty size\n');
      await sleep(100);
      return new RegExp(`^${size}\r$`, 'm').test(box.screen());
    });
  /** As fingers do, one key after the other. */
  const keys = async (box: Terminal, ...all: string[]) => {
    for (const key of all) {
      await sleep(100);
      box.type(key);
    }
  };

  test("run -it: the window's size, its changes, Ctrl-C, and the exit code", async () => {
    const box = await shell(['run', '--rm', '-it', ...NONE, 'busybox', 'sh'], [33, 77]);
    await sized(box, '33 77');
    await box.resize(40, 100);
    await sized(box, '40 100');
    box.type('tty; echo $TERM\n');
    await box.shows(/^\/dev\/pts\/0\r\nxterm\r$/m);
    box.type('sleep 100; echo code $?\n');
    await sleep(300);
    box.type(CTRL_C);
    await sleep(200);
    box.type('echo back $((6 * 7)); exit 7\n');
    await box.shows(/^back 42\r$/m);
    expect(await box.ended).toBe(7);
  });

  test('detach with Ctrl-P Ctrl-Q, attach again, detach with other keys, and the end seen by two', async () => {
    const first = await shell(['run', '-it', '--name', 'left', ...NONE, 'busybox', 'sh']);
    first.type('x=kept\n');
    await keys(first, CTRL_P, CTRL_Q);
    await first.ended;
    expect(await state('left')).toBe('running 0');

    const second = at(['attach', '--detach-keys', 'ctrl-x,d', 'left']);
    await sleep(300);
    second.type('\necho $x $((1 + 1))\n');
    await second.shows(/^kept 2\r$/m);
    const third = at(['attach', 'left']);
    await sleep(300);
    second.type('echo to $((40 + 2)) both\n');
    await third.shows(/^to 42 both\r$/m);
    await keys(second, '\x18', 'd');
    await second.ended;
    third.type('exit 5\n');
    expect(await third.ended).toBe(5);
    expect(await state('left')).toBe('exited 5');

    const again = at(['start', '-ai', 'left']);
    await again.shows(/# /);
    again.type('exit 6\n');
    expect(await again.ended).toBe(6);
    expect(await daemon.ok(['logs', 'left'])).toContain('kept 2');
    await daemon.ok(['rm', 'left']);
  });

  test('exec -it: the size, a terminal of its own, detach keys, and the exit code', async () => {
    await daemon.ok(['run', '-d', '--name', 'box', ...NONE, 'busybox', 'sleep', '1000']);
    const box = await shell(['exec', '-it', 'box', 'sh'], [31, 71]);
    await sized(box, '31 71');
    await box.resize(20, 90);
    await sized(box, '20 90');
    box.type('exit 6\n');
    expect(await box.ended).toBe(6);
    const left = await shell(['exec', '-it', 'box', 'sh']);
    left.type('exec sleep 777\n');
    await keys(left, CTRL_P, CTRL_Q);
    await left.ended;
    expect(await daemon.ok(['top', 'box'])).toContain('sleep 777');
    await daemon.ok(['rm', '-f', 'box']);
  });

  test('a window that closes: the container goes on', async () => {
    const box = await shell(['run', '-it', '--name', 'open', ...NONE, 'busybox', 'sh']);
    await daemon.inside(`pkill -HUP -f '^docker run -it --name open'; pkill -KILL -f '^docker run -it --name open'`).catch(() => {});
    await box.ended;
    expect(await state('open')).toBe('running 0');
    const again = at(['attach', 'open']);
    await sleep(300);
    again.type('\nexit 3\n');
    expect(await again.ended).toBe(3);
    await daemon.ok(['rm', 'open']);
  });
});
