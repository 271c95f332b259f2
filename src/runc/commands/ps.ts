/** `minirun-runc ps`: the host's numbers of the container's processes, or what ps(1) says of them. */
import { writeSync } from 'node:fs';
import { containerProcesses } from '../cgroup/processes.ts';
import { textOf } from './arguments.ts';
import type { Command } from './command.ts';
import { containerOf } from './container-id.ts';

export const command: Command = {
  synopsis: '<container-id> [ps options]',
  options: { format: { short: 'f', value: 'FORMAT', help: 'table or json (default: table)' } },
  operands: [1, Number.POSITIVE_INFINITY],
  stopAfter: 1,
  async run(args, context) {
    const format = textOf(args, 'format') ?? 'table';
    if (format !== 'table' && format !== 'json') throw new Error('invalid format option');
    const view = containerOf(context.root, args.operands[0]);
    const pids = view.status === 'stopped' ? [] : containerProcesses(view.state.cgroups, view.pid);
    if (format === 'json') {
      writeSync(1, `${JSON.stringify(pids.length ? pids : null)}\n`);
      return 0;
    }
    const { execFileSync } = await import('node:child_process');
    const options = args.operands.slice(1);
    const text = execFileSync('ps', options.length ? options : ['-ef'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
    const [head = '', ...lines] = text.split('\n');
    const column = head.trim().split(/\s+/).indexOf('PID');
    if (column < 0) throw new Error("couldn't find PID field in ps output");
    const wanted = new Set(pids.map(String));
    const shown = lines.filter((line) => wanted.has(line.trim().split(/\s+/)[column] ?? ''));
    writeSync(1, [head, ...shown].map((line) => `${line}\n`).join(''));
    return 0;
  },
};
