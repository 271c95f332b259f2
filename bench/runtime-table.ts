/** What was measured of runtimes, as Markdown tables. */
import { COMMANDS, type CommandName } from './life.ts';
import type { Sample } from './measure.ts';
import type { Runtime } from './runtimes.ts';
import { summarise } from './statistics.ts';

export interface Measured {
  runtime: Pick<Runtime, 'name' | 'note'>;
  lives: Record<CommandName, Sample[]>;
  /** create + start + delete, ms of the wall clock. */
  sums: number[];
  /** ms until all that were started at once were gone again. */
  together: number[];
  memory: {
    /** KiB, the largest process of a create. */
    create?: number;
    /** KiB, the container's first process before start. */
    waiting: number;
    /** Bytes */
    floor?: number;
  };
}

const ms = (value: number): string => value.toFixed(Math.abs(value) < 10 ? 1 : 0);
const signed = (value: number): string => `${value < 0 ? '−' : '+'}${ms(Math.abs(value))}`;
const kib = (value: number | undefined): string =>
  value === undefined ? '' : value < 1024 ? `${value.toFixed(0)} KiB` : `${(value / 1024).toFixed(1)} MiB`;
const median = (values: number[]): number => summarise(values).median;
const walls = (samples: Sample[]): number[] => samples.map((s) => s.wall);
const cpus = (samples: Sample[]): number[] => samples.map((s) => s.cpu);

const rowsOf = (rows: string[][]): string => rows.map((row) => `| ${row.join(' | ')} |`).join('\n');

/** One row a runtime. */
export function lifeTable(measured: readonly Measured[], together: number): string {
  return rowsOf([
    ['', 'create + start + delete', 'p10', 'run', 'exec', `${together} at once`, 'peak memory', 'waiting', 'smallest limit'],
    ['---', ...Array<string>(8).fill('--:')],
    ...measured.map((m) => [
      m.runtime.name,
      `${ms(median(m.sums))} ms`,
      `${ms(summarise(m.sums).p10)} ms`,
      `${ms(median(walls(m.lives.run)))} ms`,
      `${ms(median(walls(m.lives.exec)))} ms`,
      `${(median(m.together) / 1000).toFixed(2)} s`,
      kib(m.memory.create),
      kib(m.memory.waiting),
      kib(m.memory.floor === undefined ? undefined : m.memory.floor / 1024),
    ]),
  ]);
}

/** Milliseconds over Node's own start that a command may cost. */
const AIMS: Partial<Record<CommandName, number>> = { state: 25, kill: 25, delete: 25, 'delete --force, unknown id': 25, create: 40 };

/** Milliseconds of one command over those of an empty program, by median and by the tenth that was disturbed least. */
export function over(own: number[], empty: number[]): { median: number; p10: number } {
  const [a, b] = [summarise(own), summarise(empty)];
  return { median: a.median - b.median, p10: a.p10 - b.p10 };
}

/** One row a command of the first runtime; the others beside it. */
export function coldTable(measured: readonly Measured[], node: readonly Sample[]): string {
  const [ours, ...others] = measured;
  if (!ours) return '';
  const empty = { wall: walls([...node]), cpu: cpus([...node]) };
  return rowsOf([
    [
      '',
      ours.runtime.name,
      "over Node's own start",
      'p10',
      'processor time',
      'aim',
      ...others.flatMap((o) => [o.runtime.name, 'processor time']),
    ],
    ['---', ...Array<string>(5 + 2 * others.length).fill('--:')],
    ["Node's own start", ms(median(empty.wall)), '', '', `(${ms(median(empty.cpu))})`, '', ...others.flatMap(() => ['', ''])],
    ...COMMANDS.map((name) => {
      const wall = over(walls(ours.lives[name]), empty.wall);
      const cpu = over(cpus(ours.lives[name]), empty.cpu);
      const aim = AIMS[name];
      const met = aim === undefined ? '' : `${aim}: ${wall.median <= aim ? 'met' : wall.p10 <= aim ? 'met at p10' : 'not met'}`;
      return [
        name,
        ms(median(walls(ours.lives[name]))),
        signed(wall.median),
        signed(wall.p10),
        signed(cpu.median),
        met,
        ...others.flatMap((o) => [ms(median(walls(o.lives[name]))), ms(median(cpus(o.lives[name])))]),
      ];
    }),
  ]);
}
