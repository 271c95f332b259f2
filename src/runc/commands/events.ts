/** `minirun-runc events`: what a container uses, and when the kernel killed in it for lack of memory. */
import { writeSync } from 'node:fs';
import { eventLine, parseInterval, statsEvent, watchEvents } from '../cgroup/events.ts';
import { statusOf } from '../container/oci-state.ts';
import { textOf } from './arguments.ts';
import type { Command } from './command.ts';
import { containerOf } from './container-id.ts';

export const command: Command = {
  synopsis: '<container-id>',
  description: 'A line of JSON at each interval, and one for each time that memory ran out, until the container ends.',
  options: {
    interval: { value: 'DURATION', help: 'how often (default: 5s)' },
    stats: { help: 'tell once what it uses, then end' },
  },
  operands: [1, 1],
  async run(args, context) {
    const view = containerOf(context.root, args.operands[0]);
    const intervalMs = parseInterval(textOf(args, 'interval') ?? '5s');
    const { id, cgroups } = view.state;
    if (statusOf(view) === 'stopped') throw new Error(`container with id ${id} is not running`);
    if (args.options.stats) writeSync(1, eventLine(statsEvent(id, cgroups, view.pid)));
    else await watchEvents({ id, paths: cgroups, pid: view.pid, intervalMs, emit: (event) => writeSync(1, eventLine(event)) });
    return 0;
  },
};
