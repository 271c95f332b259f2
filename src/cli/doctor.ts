/** `minirun doctor`: what this machine can do for containers, what not, and how to mend it. Changes nothing. */
import { cgroups } from './doctor-cgroups.ts';
import { engines } from './doctor-engines.ts';
import type { Chapter, Finding } from './doctor-finding.ts';
import { kernel } from './doctor-kernel.ts';
import { type Machine, thisMachine } from './doctor-machine.ts';
import { namespaces } from './doctor-namespaces.ts';
import { user } from './doctor-user.ts';

export interface Diagnosis {
  /** A container can run here, for this user. */
  works: boolean;
  chapters: Chapter[];
}

/** Looks at everything. On a machine that is not Linux there is one finding: that. */
export function diagnose(machine: Machine): Diagnosis {
  if (machine.platform !== 'linux') {
    const finding: Finding = {
      name: 'Linux',
      level: 'missing',
      found: machine.platform,
      vital: true,
      without: 'containers are made by the Linux kernel; only explain, run --dry-run and spec work here',
      mend: 'a Linux machine or VM: see the Vagrantfile',
    };
    return { works: false, chapters: [{ title: 'System', findings: [finding] }] };
  }
  const chapters = [
    { title: 'Engines', findings: engines(machine) },
    { title: 'Namespaces', findings: namespaces(machine) },
    { title: 'Cgroups', findings: cgroups(machine) },
    { title: 'Kernel', findings: kernel(machine) },
    { title: 'User and helpers', findings: user(machine) },
  ];
  return { works: chapters.every((c) => c.findings.every((f) => !f.vital || f.level !== 'missing')), chapters };
}

const COLOURS = { ok: '32', warning: '33', missing: '31' };

/** The report for a person. @param colours write terminal colours */
export function report({ works, chapters }: Diagnosis, colours: boolean): string {
  const width = Math.max(...chapters.flatMap((c) => c.findings.map((f) => f.name.length)));
  const paint = (code: string, text: string) => (colours ? `\x1b[${code}m${text}\x1b[0m` : text);
  const lines: string[] = [];
  for (const { title, findings } of chapters) {
    lines.push(paint('1', title));
    for (const f of findings) {
      lines.push(`  ${paint(COLOURS[f.level], f.level.padEnd(7))}  ${f.name.padEnd(width)}  ${f.found}`);
      const indent = ' '.repeat(11);
      if (f.without) lines.push(`${indent}so: ${f.without}`);
      if (f.mend) lines.push(`${indent}mend: ${f.mend}`);
    }
    lines.push('');
  }
  const count = (level: string) => chapters.flatMap((c) => c.findings).filter((f) => f.level === level).length;
  const verdict = works ? 'Containers can run here.' : 'No container can run here until what is missing is mended.';
  lines.push(`${verdict} ${count('ok')} ok, ${count('warning')} to know about, ${count('missing')} missing.`);
  return `${lines.join('\n')}\n`;
}

/** Prints the report. @returns the exit code: 0 when a container can run, 1 when not */
export async function doctor(options: { json: boolean }): Promise<number> {
  const diagnosis = diagnose(thisMachine());
  const colours = process.stdout.isTTY === true && !process.env.NO_COLOR;
  process.stdout.write(options.json ? `${JSON.stringify(diagnosis, null, 2)}\n` : report(diagnosis, colours));
  return diagnosis.works ? 0 : 1;
}
