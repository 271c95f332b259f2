import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderC } from '../../src/explain/c.ts';
import { cComment, cFormat, cName, cString } from '../../src/explain/c-text.ts';
import { compile as compileProgram } from '../../src/runc/compile/compile.ts';
import { TYPICAL_HOST } from '../../src/runc/host/facts.ts';
import { defaultConfig } from '../../src/runc/spec/default-config.ts';
import { sampleProgram } from './explain-sample.ts';

const hasCompiler = spawnSync('cc', ['--version']).status === 0;
if (!hasCompiler) console.log('explain-c: no cc on PATH, so nothing is compiled here (apt install gcc libc6-dev)');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'minirun-c-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function compile(name: string, source: string): string {
  writeFileSync(join(folder, `${name}.c`), source);
  execFileSync('cc', ['-Wall', '-Wextra', '-Werror', '-O2', '-o', join(folder, name), join(folder, `${name}.c`)], { stdio: 'pipe' });
  return join(folder, name);
}

const NASTY = [
  'plain',
  'a "quoted" \\ path',
  'two\nlines\tand a tab',
  '??(trigraph??)',
  'каталог/目录/مجلد',
  'é1',
  '\u0001\u00012',
  '\u202eright to left',
  '%s %n %',
  "'",
  '*/ /* //',
  '🐳',
  '\u00a09',
];

describe('C text', () => {
  it('keeps every byte of a string literal', { skip: !hasCompiler }, () => {
    const lines = NASTY.map((s) => `    fwrite(${cString(s)}, 1, sizeof ${cString(s)}, stdout);`);
    const binary = compile('strings', `#include <stdio.h>\nint main(void)\n{\n${lines.join('\n')}\n    return 0;\n}\n`);
    expect(execFileSync(binary).toString()).toBe(NASTY.map((s) => `${s}\0`).join(''));
  });

  it('keeps per cent signs out of the format', { skip: !hasCompiler }, () => {
    const binary = compile(
      'formats',
      `#include <stdio.h>\nint main(void)\n{\n    printf(${cFormat('100%s %d of ')} "%d", 7);\n    return 0;\n}\n`,
    );
    expect(execFileSync(binary).toString()).toBe('100%s %d of 7');
  });

  it('cannot be left by what a comment says', () => {
    const comment = cComment('', 'a */ system("x"); /* b').join('\n');
    expect(comment.indexOf('*/')).toBe(comment.length - 2);
    expect(cComment('', 'one\u202etwo\nthree')).toEqual(['/* one two three */']);
  });

  it('makes identifiers of the names of results', () => {
    expect(cName('target.1')).toBe('target_1');
    expect(cName('9 lives')).toBe('r_9_lives');
  });
});

describe('renderC', () => {
  const { program } = sampleProgram({ rootfs: '/srv/a "root"/каталог\n2', args: ['/bin/sh', '-c', 'echo "$0" %s'] });
  const source = renderC(program);

  it('compiles without warnings', { skip: !hasCompiler }, () => {
    expect(() => compile('sample', source)).not.toThrow();
  });

  it('has every step with its why, in the function of its actor', () => {
    const at = (text: string) => source.indexOf(text);
    program.steps.forEach((step, i) => {
      const place = source.search(new RegExp(`\\n( {5}\\*|    /\\*) ${i + 1}\\. `));
      expect(place, `step ${i + 1}`).toBeGreaterThan(0);
      const end = { init: at('static void starter(void)'), starter: at('static void runtime(void)'), runtime: at('int main(void)') }[
        step.actor
      ];
      const start = {
        init: at('static void init(void)'),
        starter: at('static void starter(void)'),
        runtime: at('static void runtime(void)'),
      }[step.actor];
      expect(place > start && place < end, `step ${i + 1} is ${step.actor}'s`).toBe(true);
      expect(source.replace(/\s+(\* )?/g, ' ')).toContain(step.why.slice(0, 60));
    });
  });

  it('writes flags by name, devices and modes as people do, and calls without a libc function through syscall', () => {
    expect(source).toContain('mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)');
    expect(source).toContain('syscall(SYS_clone, CLONE_PARENT | CLONE_NEWPID | SIGCHLD, NULL, NULL, NULL, 0)');
    expect(source).toContain('syscall(SYS_pivot_root, ".", ".")');
    expect(source).toContain('#ifndef SYS_openat2\n#define SYS_openat2 437\n#endif');
    expect(source).toContain('prctl(PR_CAPBSET_DROP, CAP_SYS_PTRACE, 0L, 0L, 0L)');
    expect(source).toContain('0755');
    expect(source).toContain('.resolve = RESOLVE_IN_ROOT');
    expect(source).toContain('(const gid_t[]){ 10, 20 }');
  });

  it('honours ignored errors, checks and meetings', () => {
    expect(source).toContain('made[0] = done(1, "mkdirat", result, IGNORE(EEXIST)) == 0;');
    expect(source).toContain('0xf000, 0x4000, "/proc is no directory.")');
    expect(source).toMatch(/tell\(CLONED, init_pid\);\n[\s\S]*tell\(TOKEN_cloned, 0\);[\s\S]*hear\(TOKEN_cloned\);/);
    expect(source).toContain('remove_cgroup(AT_FDCWD, "/sys/fs/cgroup/sample");');
  });

  it("names the program's warnings, harmlessly", () => {
    expect(source).toContain('Warning: A warning with * / in it.');
  });

  it('refuses a result that nobody saved', () => {
    const broken = { ...program, steps: program.steps.filter((s) => s.saves !== 'rootfs') };
    expect(() => renderC(broken)).toThrow('"rootfs"');
  });
});

it.skipIf(!hasCompiler)('steps that read what the kernel wrote for earlier ones, and send messages of several pieces', () => {
  const { cgroup } = TYPICAL_HOST;
  const config = defaultConfig({ id: 'box', rootfs: '/srv/rootfs', args: ['sh'], terminal: false, cgroup, arch: 'x64', kernel: [6, 1] });
  config.linux = {
    ...config.linux,
    netDevices: { eth0: { name: 'wan' } },
    memoryPolicy: { mode: 'MPOL_BIND', nodes: '0', flags: ['MPOL_F_STATIC_NODES'] },
    seccomp: {
      defaultAction: 'SCMP_ACT_ALLOW',
      listenerPath: '/a',
      syscalls: [{ names: ['mkdir', 'sendmsg'], action: 'SCMP_ACT_NOTIFY' }],
    },
  };
  const addresses = [
    { family: 2, prefixLength: 24, address: '0a000002' },
    { family: 10, prefixLength: 64, address: 'fd000099000000000000000000000002' },
  ];
  const host = { ...TYPICAL_HOST, seccompFilter: new Uint8Array(8), netDevices: { eth0: { index: 7, addresses } } };
  const source = renderC(compileProgram(config, host, { id: 'box', bundle: '/srv' }));
  expect(source).toContain('buffer_link_wan + 20');
  expect(source).toContain('SYS_sendmmsg');
  compile('pieces', source);
});

it('hooks, with the state on standard input', { skip: !hasCompiler }, () => {
  const { cgroup, arch, kernel } = TYPICAL_HOST;
  const config = defaultConfig({ id: 'c', rootfs: '/r', args: ['true'], terminal: false, cgroup, arch, kernel });
  config.hooks = {
    prestart: [{ path: '/net', args: ['net', '"%s"'], env: ['A=b'], timeout: 5 }],
    createContainer: [{ path: '/inside' }],
  };
  config.linux = { ...config.linux, seccomp: undefined };
  const source = renderC(compileProgram(config, TYPICAL_HOST, { id: 'c', bundle: '/' }));
  const hooks = source.replace(/\s+/g, ' ');
  expect(hooks).toMatch(/run_hook\( ?"\/net", \(char \*\[\]\)\{ "net", "\\"%s\\"", NULL \}, \(char \*\[\]\)\{ "A=b", NULL \}, 5, text\(/);
  expect(hooks).toMatch(/run_hook\( ?"\/inside", [^;]* init_pid, "\/r"\)/);
  expect(() => compile('hooks', source)).not.toThrow();
});
