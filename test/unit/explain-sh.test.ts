import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { renderSh } from '../../src/explain/sh.ts';
import { shComment, shWord } from '../../src/explain/sh-text.ts';
import { sampleProgram } from './explain-sample.ts';

const NASTY = [
  'plain',
  'a "quoted" $word `x`',
  "it's",
  'two\nlines',
  'каталог/目录',
  '-n',
  '~',
  '*',
  'a=b',
  '!x',
  '',
  '\\',
  '\u202etrick',
  'tab\there',
];
const { program } = sampleProgram({
  rootfs: "/srv/it's a 'root'/каталог\n2",
  args: ['/bin/sh', '-c', 'echo "$0" \'x\''],
  hostname: 'sample',
});
const script = renderSh(program);

describe('shell text', () => {
  it('keeps every byte of a word', () => {
    const line = `printf '%s\\n--\\n' ${NASTY.map(shWord).join(' ')}`;
    const run = spawnSync('sh', ['-c', line], { encoding: 'utf8' });
    expect(run.stdout).toBe(NASTY.map((w) => `${w}\n--\n`).join(''));
  });

  it('cannot be left by what a comment says', () => {
    expect(shComment('one\nrm -rf /\r\u2028two')).toEqual(['# one rm -rf / two']);
  });
});

describe('renderSh', () => {
  it('is accepted by the shell', () => {
    const run = spawnSync('sh', ['-n'], { input: script, encoding: 'utf8' });
    expect(run.stderr).toBe('');
    expect(run.status).toBe(0);
  });

  it('has every step with its why', () => {
    const words = script.replace(/\n\s*# /g, ' ').replace(/\s+/g, ' ');
    program.steps.forEach((step, i) => expect(words).toContain(`${i + 1}. ${step.why.replace(/\s+/g, ' ')}`));
  });

  it("makes the runtime's steps outside, the namespaces by unshare, and init's steps inside", () => {
    const [outer = '', rest = ''] = script.split('cat > "$inner" <<\'END_OF_THE_INNER_PART\'\n');
    const [inner = '', start = ''] = rest.split('\nEND_OF_THE_INNER_PART\n');
    expect(outer).toContain('[ -d /sys/fs/cgroup/sample ] || { mkdir -m 755 /sys/fs/cgroup/sample; made_1=yes; }');
    expect(outer).toContain('[ -z "${made_1-}" ] || rmdir /sys/fs/cgroup/sample || :');
    expect(start).toContain('echo 100 > /proc/self/oom_score_adj');
    expect(start).toContain('exec unshare --fork --kill-child --pid --uts --mount --propagation unchanged sh "$inner"');
    for (const command of [
      'hostname sample',
      'mount --make-rprivate /',
      'mount --rbind "$ROOT" "$ROOT"',
      'mount -t proc -o nosuid,nodev,noexec proc "$ROOT"/proc',
      'pivot_root "$ROOT" "$ROOT"/.old-root',
      'run umount -l /.old-root',
      '--no-new-privs',
    ])
      expect(inner).toContain(command);
    expect(inner.trimEnd().endsWith(`/bin/sh -c 'echo "$0" '\\''x'\\'''`)).toBe(true);
  });

  it('says what a shell cannot', () => {
    for (const what of [
      'install a seccomp filter',
      'make the kernel resolve a path as if the rootfs were /',
      'attach a mount through descriptors',
      'check this without a race',
    ])
      expect(script.replace(/\n\s*# /g, ' ')).toContain(`(a shell cannot: ${what}`);
  });

  it("names the program's warnings", () => {
    expect(script).toContain('# Warning: A warning with * / in it.');
  });
});
