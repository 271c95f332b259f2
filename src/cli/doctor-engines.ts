/** The parts of minirun itself: what runs a program, and what they are made from. */
import { type Finding, missing, ok, vital, warning } from './doctor-finding.ts';
import type { Machine } from './doctor-machine.ts';

export function engines(machine: Machine): Finding[] {
  const [node = 0] = machine.node.split('.').map(Number);
  const arch = ['x64', 'arm64'].includes(machine.arch);
  const koffi = machine.koffiTrouble();
  const compiler = machine.find('cc') ?? machine.find('gcc');
  const native = machine.nativeBuilt();
  const ffi = machine.ffiBuilt();
  const install = 'as root: apt-get install gcc libc6-dev; then: npm run build';
  const findings: Finding[] = [
    vital(node >= 20 ? ok('Node', machine.node) : missing('Node', machine.node, 'nothing works', 'Node 20 or later')),
    vital(
      arch ? ok('processor', machine.arch) : missing('processor', machine.arch, 'its system call numbers are not known', 'x86-64 or arm64'),
    ),
    vital(koffi === undefined ? ok('koffi', 'loads') : missing('koffi', koffi, 'no system call can be made', 'npm ci')),
    native
      ? ok('native engine', 'built')
      : missing(
          'native engine',
          'not built',
          'no user namespaces, and no protection from CVE-2019-5736',
          compiler ? 'npm run build' : install,
        ),
    ffi ? ok('ffi engine', 'built') : warning('ffi engine', 'not built', '--engine ffi cannot work', 'npm run build'),
    compiler ? ok('C compiler', compiler) : warning('C compiler', 'not installed', 'the native engine cannot be built again', install),
    machine.libseccomp()
      ? ok('libseccomp', 'loads')
      : warning('libseccomp', 'does not load', 'no seccomp profile, so containers run without one', 'as root: apt-get install libseccomp2'),
  ];
  const nothing = machine.uid === 0 ? !native && !ffi : !native;
  if (nothing)
    findings.push(vital(missing('an engine for this user', 'none', 'no container can be started', compiler ? 'npm run build' : install)));
  return findings;
}
