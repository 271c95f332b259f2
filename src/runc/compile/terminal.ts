/** A terminal made inside the container; its other end goes to the runtime. */
import { AT, O, OPEN_TREE, RESOLVE } from '../../libc/flags.ts';
import { AT_FDCWD, data, int, struct, u16 } from '../program/args.ts';
import { dup3, fchown, ioctl, openat2, openTree, sendDescriptor, setsid } from '../program/calls.ts';
import { descriptors } from '../program/descriptors.ts';
import { ref } from '../program/step.ts';
import { add, closeResult, type Draft, type Setting } from './draft.ts';
import { fileInside, ROOT } from './inside.ts';
import { attach } from './root.ts';

const init = (from: string): Setting => ({ actor: 'init', chapter: 'terminal', from });

/**
 * A session of its own, and with `terminal` a pseudo-terminal as standard input, output and error.
 * @param inside true before the pivot: paths are resolved from the rootfs descriptor
 */
export function compileTerminal(draft: Draft, inside: boolean, preserveFds = 0): void {
  const { process } = draft.config;
  add(draft, {
    ...init('minirun'),
    call: setsid(),
    ignore: ['EPERM'],
    minor: !process?.terminal,
    why: 'A session of its own: signals from the keyboard of the terminal that started minirun go to minirun, which passes them on.',
  });
  if (!process?.terminal) return;
  const setting = init('#/process/terminal');
  add(draft, {
    ...setting,
    call: openat2(
      inside ? ref(ROOT) : AT_FDCWD,
      inside ? 'dev/pts/ptmx' : '/dev/pts/ptmx',
      O.O_RDWR | O.O_NOCTTY | O.O_CLOEXEC,
      inside ? RESOLVE.RESOLVE_IN_ROOT | RESOLVE.RESOLVE_NO_SYMLINKS : RESOLVE.RESOLVE_NO_SYMLINKS,
    ),
    saves: 'master',
    why: "Make a pseudo-terminal, in the container's own devpts: programs inside see it as a real terminal, and it cannot be used to type into a terminal of the host.",
    man: 'pty(7)',
  });
  add(draft, {
    ...setting,
    call: ioctl(ref('master'), 'TIOCSPTLCK', data(new Uint8Array(4), '[0]')),
    minor: true,
    man: 'ioctl_tty(2)',
    why: 'Unlock its other end.',
  });
  add(draft, {
    ...setting,
    call: ioctl(ref('master'), 'TIOCGPTPEER', int(O.O_RDWR | O.O_NOCTTY | O.O_CLOEXEC, 'O')),
    saves: 'terminal',
    man: 'ioctl_tty(2)',
    why: 'Open the other end by asking the kernel for it, not by its path in /dev/pts, where a link could lie in wait (CVE-2025-52565).',
  });
  const size = process.consoleSize;
  if (size) {
    add(draft, {
      ...init('#/process/consoleSize'),
      minor: true,
      man: 'ioctl_tty(2)',
      call: ioctl(
        ref('master'),
        'TIOCSWINSZ',
        struct('winsize', [u16('ws_row', size.height), u16('ws_col', size.width), u16('ws_xpixel', 0), u16('ws_ypixel', 0)]),
      ),
      why: 'Its size in lines and columns.',
    });
  }
  if (process.user.uid)
    add(draft, {
      ...setting,
      call: fchown(ref('terminal'), process.user.uid, 0xffffffff),
      ignore: ['EPERM', 'EINVAL'],
      minor: true,
      why: 'The terminal belongs to the user who works at it.',
    });
  if (inside) {
    add(draft, {
      ...setting,
      call: openTree(ref('terminal'), '', OPEN_TREE.OPEN_TREE_CLONE | AT.AT_EMPTY_PATH),
      saves: 'console',
      minor: true,
      why: "Take the terminal's device file as a mount, from the descriptor.",
    });
    const target = fileInside(draft, setting, '/dev/console');
    add(draft, {
      ...setting,
      call: attach('console', target),
      why: "/dev/console is where a system's first process writes: in here, that is this terminal.",
    });
    closeResult(draft, setting, ref('console'));
  }
  add(draft, {
    ...setting,
    call: sendDescriptor(descriptors(preserveFds).console, ref('master'), '/dev/ptmx'),
    man: 'unix(7)',
    why: 'Hand the master end to the runtime, which connects it with the terminal that you sit at.',
  });
  closeResult(draft, setting, ref('master'));
  for (const descriptor of [0, 1, 2]) {
    add(draft, {
      ...setting,
      call: dup3(ref('terminal'), descriptor),
      minor: true,
      why: ['Standard input,', 'standard output', 'and standard error are the terminal.'][descriptor] as string,
    });
  }
  add(draft, {
    ...setting,
    call: ioctl(0, 'TIOCSCTTY', int(0)),
    man: 'ioctl_tty(2)',
    why: 'Make it the controlling terminal of this session: Ctrl-C now becomes a SIGINT for the program in the foreground.',
  });
  closeResult(draft, setting, ref('terminal'));
}
