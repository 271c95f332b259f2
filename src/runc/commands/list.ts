/** `minirun-runc list` */
import { writeSync } from 'node:fs';
import { type OciState, ociStates } from '../container/oci-state.ts';
import { textOf } from './arguments.ts';
import type { Command } from './command.ts';

/** Columns at least twelve wide, as Go's tabwriter lays them out for runc. */
function table(rows: string[][]): string {
  const widths = rows[0]?.map((_, i) => Math.max(12, ...rows.map((row) => (row[i]?.length ?? 0) + 1))) ?? [];
  return rows.map((row) => `${row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] ?? 0))).join('')}\n`).join('');
}

const row = (s: OciState): string[] => [s.id, String(s.pid), s.status, s.bundle, s.created, s.owner];

export const command: Command = {
  synopsis: '',
  options: {
    format: { short: 'f', value: 'FORMAT', help: 'table or json (default: table)' },
    quiet: { short: 'q', help: 'ids only' },
  },
  operands: [0, 0],
  run(args, context) {
    const format = textOf(args, 'format') ?? 'table';
    if (format !== 'table' && format !== 'json') throw new Error('invalid format option');
    const states = ociStates(context.root);
    if (args.options.quiet) writeSync(1, states.map((s) => `${s.id}\n`).join(''));
    else if (format === 'json') writeSync(1, JSON.stringify(states.length ? states : null));
    else writeSync(1, table([['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'], ...states.map(row)]));
    return 0;
  },
};
