import { describe, expect, test } from 'vitest';
import { exitCodeOf, describe as tell } from '../../src/cli/failure.ts';
import { HelpShown } from '../../src/cli/help-shown.ts';
import { nearest } from '../../src/cli/nearest.ts';
import { parseRunOptions, type RunOptions, runCommand } from '../../src/cli/run-options.ts';
import { shellWords } from '../../src/cli/shell-words.ts';
import { parseSignal, parseSize } from '../../src/cli/sizes.ts';
import { subIdRange } from '../../src/cli/sub-ids.ts';
import { UsageError } from '../../src/cli/usage-error.ts';

const parse = (...args: string[]): RunOptions => parseRunOptions(runCommand(), args);

describe('where options end', () => {
  test("what follows ROOTFS is the command's, whatever it looks like", () => {
    const o = parse('-it', '--rm', './r', 'sh', '-c', 'x', '--rm=no', '--explain', '-m', '--', '-h');
    expect(o).toMatchObject({ rootfs: './r', interactive: true, tty: true, rm: true });
    expect(o.command).toEqual(['sh', '-c', 'x', '--rm=no', '--explain', '-m', '--', '-h']);
    expect(o.explain).toBeUndefined();
  });

  test('--explain has its value only after =', () => {
    expect(parse('--explain', 'json', 'sh')).toMatchObject({ explain: 'text', rootfs: 'json', command: ['sh'] });
    expect(parse('--explain=json', 'r')).toMatchObject({ explain: 'json', rootfs: 'r' });
  });

  test('-- ends the options; a ROOTFS may begin with a dash then', () => {
    expect(parse('--rm', '--', '-odd', '--', 'x')).toMatchObject({ rootfs: '-odd', command: ['--', 'x'] });
  });

  test('values in all positions', () => {
    expect(parse('-m64m', '-w/x', '-itu', 'web', '-e', '--rm', '--name=n', 'r')).toMatchObject({
      memory: 64 * 2 ** 20,
      workdir: '/x',
      tty: true,
      user: 'web',
      env: ['--rm'],
      name: 'n',
      rm: false,
    });
    expect(parse('--oom-score-adj', '-500', '--memory', '1g', '--memory-swap', '-1', 'r')).toMatchObject({
      oomScoreAdj: -500,
      memorySwap: -1,
    });
  });

  test('--rm=true, --rm=false as Docker takes them', () => {
    expect([parse('--rm=true', 'r').rm, parse('--rm=false', 'r').rm, parse('--rm', 'r').rm]).toEqual([true, false, true]);
  });

  test('-h is the host name, --help the help', () => {
    expect(parse('-h', 'box', 'r').hostname).toBe('box');
    const write = process.stdout.write;
    let help = '';
    process.stdout.write = ((text: string) => {
      help += text;
      return true;
    }) as typeof write;
    try {
      expect(() => parse('--help')).toThrow(HelpShown);
    } finally {
      process.stdout.write = write;
    }
    expect(help).toContain('--cap-add');
  });

  test('a second parse starts anew', () => {
    parse('-v', '/a:/a', '-e', 'A=1', 'r');
    expect(parse('r')).toMatchObject({ mounts: [], env: [] });
  });
});

describe('every option is taken', () => {
  test("all of Docker's that there are", () => {
    const all =
      '-i -t -d --rm --name n --hostname h --domainname d -e A=1 --env-file f -w /w -u 1 -v /a:/b --mount type=tmpfs,dst=/c --tmpfs /d --read-only -m 64m --memory-swap 128m --cpus 1 --cpu-shares 100 --cpuset-cpus 0 --pids-limit 9 --ulimit core=0 --sysctl net.x=1 --device /dev/null --cap-add ALL --cap-drop kill --privileged --security-opt no-new-privileges --network none --pid host --ipc shareable --uts private --userns host --cgroup-parent /p --init --stop-signal QUIT --oom-score-adj 1 --shm-size 1m --entrypoint /e --engine ffi --config c --detach-keys ctrl-a';
    const o = parse(...all.split(' '), 'r', 'x');
    for (const [key, value] of Object.entries(o)) if (!['explainNumbers', 'step', 'dryRun'].includes(key)) expect(value, key).toBeTruthy();
    expect(Object.keys(o)).toHaveLength(45);
    expect(o).toMatchObject({ stopSignal: 3, pidsLimit: 9, network: { kind: 'private' }, pid: { kind: 'host' }, capDrop: ['CAP_KILL'] });
  });
});

describe('refused with one line that says what to do', () => {
  test.each<[string[], RegExp]>([
    [[], /ROOTFS is missing; usage/],
    [['--memroy', '5m', 'r'], /unknown option --memroy; did you mean --memory\?/],
    [['--xyzzy', 'r'], /unknown option --xyzzy \(minirun run --help/],
    [['-m'], /-m: its value is missing/],
    [['-m', '5x', 'r'], /not a size.*64m/],
    [['-m', '1', 'r'], /too small/],
    [['-m', '99999999999999g', 'r'], /too large/],
    [['--memory-swap', '5m', 'r'], /needs --memory/],
    [['-m', '64m', '--memory-swap', '5m', 'r'], /at least --memory/],
    [['--cpus', '0', 'r'], /from 0\.01/],
    [['--cpu-shares', '1', 'r'], /2 to 262144/],
    [['--pids-limit', '-2', 'r'], /from -1/],
    [['--oom-score-adj', '1001', 'r'], /-1000 to 1000/],
    [['--cpuset-cpus', 'a', 'r'], /0-2,4/],
    [['--ulimit', 'nofiles=1', 'r'], /did you mean nofile/],
    [['--ulimit', 'nofile=2:1', 'r'], /soft limit/],
    [['--cap-add', 'NET_ADMN', 'r'], /did you mean CAP_NET_ADMIN/],
    [['--stop-signal', 'TREM', 'r'], /did you mean SIGTERM/],
    [['--stop-signal', '65', 'r'], /1 to 64/],
    [['--hostname', 'x'.repeat(65), 'r'], /at most 64/],
    [['--name', 'a b', 'r'], /letters, digits/],
    [['--name', '../x', 'r'], /letters, digits/],
    [['-v', '/only', 'r'], /volumes need the daemon/],
    [['-v', 'data:/x', 'r'], /write \.\/data/],
    [['-v', '/a:b', 'r'], /must be absolute/],
    [['-v', '/a:/', 'r'], /container's \//],
    [['-v', '/a:/b:r', 'r'], /unknown option "r"/],
    [['-v', '/a:/b:ro:x', 'r'], /--mount/],
    [['-v', '/a:/x/', '--tmpfs', '/x', 'r'], /mounted at \/x already/],
    [['--mount', 'src=/a,dst=/b', 'r'], /write type=bind/],
    [['--mount', 'type=bind,dst=/b', 'r'], /source is missing/],
    [['--mount', 'type=bind,src=/a,tagret=/b', 'r'], /did you mean target/],
    [['--mount', 'type=bind,src=/a,dst=/b,bind-propagation=x', 'r'], /rslave/],
    [['--mount', 'type=tmpfs,dst=/b,tmpfs-mode=9', 'r'], /octal/],
    [['--tmpfs', '/x:frob', 'r'], /unknown option "frob"/],
    [['--network', 'bridge', 'r'], /need the daemon/],
    [['--pid', 'hots', 'r'], /did you mean host/],
    [['--uts', 'container:x', 'r'], /private or host/],
    [['--uts', 'host', '--hostname', 'x', 'r'], /rename this machine/],
    [['--security-opt', 'secomp=x', 'r'], /did you mean seccomp/],
    [['--sysctl', 'x', 'r'], /NAME=VALUE/],
    [['--device', 'fuse', 'r'], /not an absolute path/],
    [['--device', '/dev/a:/dev/b:q', 'r'], /rwm/],
    [['-e', '=x', 'r'], /name is missing/],
    [['-w', 'x', 'r'], /absolute/],
    [['--engine', 'nativ', 'r'], /did you mean native/],
    [['--explain=xml', 'r'], /text or json/],
    [['--rm=maybe', 'r'], /true or false/],
    [['-d', '--explain', 'r'], /--detach/],
  ])('%j', (args, message) => {
    expect(() => parse(...args)).toThrow(UsageError);
    expect(() => parse(...args)).toThrow(message);
    try {
      parse(...args);
    } catch (error) {
      expect((error as Error).message).not.toContain('\n');
    }
  });
});

test('sizes and signals', () => {
  expect(['1', '1k', '2KB', '1.5m', '1GiB', '3 b'].map((t) => parseSize('-m', t))).toEqual([1, 1024, 2048, 1572864, 2 ** 30, 3]);
  expect(['SIGTERM', 'term', '9', 'RTMIN', 'SIGRTMAX-1'].map((t) => parseSignal('-s', t))).toEqual([15, 15, 9, 34, 63]);
});

test('nearest words', () => {
  expect(nearest('rnu', ['run', 'rm', 'ps'])).toBe('run');
  expect(nearest('inspct', ['run', 'inspect'])).toBe('inspect');
  expect(nearest('frobnicate', ['run', 'rm', 'ps'])).toBeUndefined();
});

test('words as a shell splits them', () => {
  expect(shellWords(` --name 'a b'  -e "X=1 \\"2\\"" c\\ d '' "it's" `)).toEqual(['--name', 'a b', '-e', 'X=1 "2"', 'c d', '', "it's"]);
  expect(() => shellWords('a "b')).toThrow(/not closed/);
});

test('ranges of /etc/subuid', () => {
  const text = 'other:1:2\nme:100000:65536\nme:5:5\n1001:300000:10\nbad:x:y\n';
  expect(subIdRange(text, 'me', 1000)).toEqual({ start: 100000, size: 65536 });
  expect(subIdRange(text, undefined, 1001)).toEqual({ start: 300000, size: 10 });
  expect(subIdRange(text, 'nobody', 7)).toBeUndefined();
});

test('exit codes of failures', async () => {
  const failed = (call: string, code: string) => ({ name: 'KeeperError', message: 'm', call, code });
  expect(exitCodeOf(failed('execve', 'ENOENT'))).toBe(127);
  expect(exitCodeOf(failed('execve', 'EACCES'))).toBe(126);
  expect(exitCodeOf(failed('mount', 'ENOENT'))).toBe(125);
  expect(exitCodeOf(new UsageError('x'))).toBe(125);
  expect(await tell(new UsageError('one\n  two'))).toBe('minirun: one two\n');
});
